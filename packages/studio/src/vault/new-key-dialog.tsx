import { useEffect, useRef } from 'preact/hooks'
import { useComputed, useSignal } from '@preact/signals'
import { downloadText } from '../shell/save.ts'
import { strings } from '../strings.ts'
import type { KeyState } from './key-state.ts'

const text = strings.vault.newKey

/** Offers the file and the sheet of a key that was made here, before anything is sealed with it. */
export function NewKeyDialog({ keys }: { readonly keys: KeyState }) {
  const dialog = useRef<HTMLDialogElement>(null)
  const kept = useSignal(false)
  const fresh = keys.fresh.value
  const sheet = useComputed(() => {
    const key = keys.fresh.value
    return key && `data:image/svg+xml,${encodeURIComponent(key.sheet)}`
  })
  useEffect(() => {
    if (fresh) {
      kept.value = false
      dialog.current!.showModal()
    } else dialog.current?.close()
  }, [fresh])
  const keep = (how: () => void) => () => {
    how()
    kept.value = true
  }
  return (
    <>
      <dialog ref={dialog} aria-labelledby="new-key-heading" onClose={() => (keys.fresh.value = undefined)}>
        {fresh ? (
          <>
            <h2 id="new-key-heading">{text.heading}</h2>
            <p>{text.lead}</p>
            <div class="new-key">
              <img class="sheet" src={sheet.value} alt={text.sheet} />
              <div class="buttons stacked">
                <button type="button" onClick={keep(() => downloadText(fresh.file, 'me.key'))}>
                  {text.saveKey}
                </button>
                <button type="button" onClick={keep(() => window.print())}>
                  {text.print}
                </button>
                <button
                  type="button"
                  class="quiet"
                  onClick={keep(() => downloadText(fresh.sheet, 'recovery-sheet.svg', 'image/svg+xml'))}
                >
                  {text.saveSheet}
                </button>
                <button
                  type="button"
                  class="primary"
                  disabled={!kept.value}
                  aria-describedby="new-key-first"
                  onClick={() => keys.useFresh()}
                >
                  {text.use}
                </button>
                <p class="note" id="new-key-first">
                  {kept.value ? '' : text.first}
                </p>
                <button type="button" class="quiet" onClick={() => (keys.fresh.value = undefined)}>
                  {text.cancel}
                </button>
              </div>
            </div>
          </>
        ) : null}
      </dialog>
      {fresh ? <img class="print-alone" src={sheet.value} alt="" /> : null}
    </>
  )
}
