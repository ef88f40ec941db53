import { strings } from '../strings.ts'
import type { KeyState } from './key-state.ts'
import { makePasskey, passkeysAre } from './page-passkeys.ts'

const text = strings.vault.passkey

interface Props {
  readonly keys: KeyState
  readonly sealing: boolean
}

/** A passkey beside the key file, never in its place: it is lost with the device or the account. */
export function PasskeyFields({ keys, sealing }: Props) {
  const are = passkeysAre()
  if (are === 'none') return null
  if (are === 'by name') return <p class="note">{text.byName(location.port)}</p>
  if (keys.passkey.value)
    return (
      <p class="note passkey">
        {sealing ? text.sealing : text.opening}{' '}
        <button type="button" class="quiet" onClick={() => (keys.passkey.value = undefined)}>
          {text.without}
        </button>
      </p>
    )
  const make = async () => {
    const identity = await makePasskey(strings.title)
    keys.fault.value = identity === undefined ? text.refused : undefined
    if (identity !== undefined) keys.passkey.value = { identity }
  }
  return (
    <div class="buttons">
      {sealing ? (
        <button type="button" class="quiet" onClick={() => void make()}>
          {text.make}
        </button>
      ) : null}
      <button type="button" class="quiet" onClick={() => (keys.passkey.value = {})}>
        {sealing ? text.have : text.open}
      </button>
    </div>
  )
}
