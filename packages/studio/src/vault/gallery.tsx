import { useEffect, useRef } from 'preact/hooks'
import { type Signal, useSignal } from '@preact/signals'
import { strings } from '../strings.ts'
import type { Finished } from './seal-file.ts'

const text = strings.vault.gallery
/** The larger side of a preview, in pixels. */
const PREVIEW = 360

/** Opened pictures, from memory: previews are drawn into canvases and never become files. */
export function Gallery({ pictures }: { readonly pictures: readonly Finished[] }) {
  const shown = useSignal<Finished | undefined>(undefined)
  return (
    <section class="gallery" aria-labelledby="gallery-heading">
      <h2 id="gallery-heading">{text.heading}</h2>
      <p class="note">{text.note}</p>
      <ul>
        {pictures.map(picture => (
          <li key={picture.path}>
            <button type="button" onClick={() => (shown.value = picture)}>
              <span class="visually-hidden">{text.show(nameOf(picture))}</span>
              <Preview picture={picture} />
            </button>
            <span>{nameOf(picture)}</span>
          </li>
        ))}
      </ul>
      <Viewer shown={shown} />
    </section>
  )
}

const nameOf = ({ path }: Finished): string => path.split('/').at(-1)!

function Preview({ picture: { output } }: { readonly picture: Finished }) {
  const canvas = useRef<HTMLCanvasElement>(null)
  const failed = useSignal(false)
  useEffect(() => {
    let gone = false
    const drawn = lastDrawn.then(() => (gone ? undefined : draw(output, canvas.current!)))
    lastDrawn = drawn.catch(() => (failed.value = true))
    return () => void (gone = true)
  }, [output])
  return (
    <>
      <canvas ref={canvas} width={PREVIEW} height={PREVIEW} aria-hidden="true" />
      {failed.value ? <span class="no-preview">{text.noPreview}</span> : null}
    </>
  )
}

/** One at a time: while a photo is decoded it has the memory of all its pixels. */
let lastDrawn: Promise<unknown> = Promise.resolve()

async function draw(file: Blob, canvas: HTMLCanvasElement): Promise<void> {
  const whole = await createImageBitmap(file)
  const scale = PREVIEW / Math.min(whole.width, whole.height)
  const context = canvas.getContext('2d')!
  const [width, height] = [whole.width * scale, whole.height * scale]
  context.imageSmoothingQuality = 'high'
  context.drawImage(whole, (PREVIEW - width) / 2, (PREVIEW - height) / 2, width, height)
  whole.close()
}

function Viewer({ shown }: { readonly shown: Signal<Finished | undefined> }) {
  const dialog = useRef<HTMLDialogElement>(null)
  const address = useSignal('')
  const picture = shown.value
  useEffect(() => {
    if (!picture) return dialog.current!.close()
    const url = URL.createObjectURL(picture.output)
    address.value = url
    dialog.current!.showModal()
    return () => {
      // Nor is the next picture, for a moment, drawn from the address of this one.
      address.value = ''
      URL.revokeObjectURL(url)
    }
  }, [picture])
  return (
    <dialog
      ref={dialog}
      class="viewer"
      aria-label={picture ? nameOf(picture) : ''}
      onClose={() => (shown.value = undefined)}
    >
      {picture ? (
        <>
          {address.value === '' ? null : picture.type.startsWith('video/') ? (
            <video src={address.value} controls />
          ) : (
            <img src={address.value} alt={nameOf(picture)} />
          )}
          <div class="buttons">
            <span class="name">{nameOf(picture)}</span>
            <button type="button" onClick={() => (shown.value = undefined)}>
              {text.close}
            </button>
          </div>
        </>
      ) : null}
    </dialog>
  )
}
