import type { Image } from '@latent/core'
import { useRef } from 'preact/hooks'
import { withChannels } from '../lab/channels.ts'
import { PictureView, show } from '../lab/picture-view.tsx'
import { strings } from '../strings.ts'
import { FaultView } from '../vault/fault-view.tsx'
import type { ExploreState } from './explore-state.ts'
import type { Study } from './study.ts'

const text = strings.explore.damage
/** Of a JPEG that a service would make of a picture. */
const JPEG_QUALITY = 0.9

/** Damages the cipher picture, and shows what comes back. */
export function DamageCard({ view, study }: { readonly view: ExploreState; readonly study: Study }) {
  const painting = useRef(false)
  const cipher = view.damaged.value ?? study.cipher
  const paint = (event: PointerEvent) => {
    const { left, top, width } = (event.currentTarget as HTMLElement).getBoundingClientRect()
    const at = (offset: number) => Math.floor((offset / width) * cipher.width)
    view.paint(at(event.clientX - left), at(event.clientY - top))
  }
  const end = () => {
    if (painting.current) void view.restore()
    painting.current = false
  }
  return (
    <section class="card damage" aria-labelledby="damage-heading">
      <h2 id="damage-heading">{text.heading}</h2>
      {study.touchable ? (
        <>
          <p class="note">{text.how}</p>
          <div class="buttons">
            <div class="segments" role="radiogroup" aria-label={text.brush}>
              {(['erase', 'noise'] as const).map(brush => (
                <label key={brush}>
                  <input
                    type="radio"
                    name="brush"
                    checked={view.brush.value === brush}
                    onChange={() => (view.brush.value = brush)}
                  />
                  <span>{text.brushes[brush]}</span>
                </label>
              ))}
            </div>
            <button type="button" onClick={() => void view.paintMiddle()}>
              {text.middle}
            </button>
            <button type="button" onClick={() => void throughJpeg(study.cipher).then(made => view.replace(made))}>
              {text.jpeg}
            </button>
            {view.damaged.value ? (
              <button type="button" class="quiet" onClick={() => view.undo()}>
                {text.undo}
              </button>
            ) : null}
          </div>
          <div class="two">
            <figure
              class="paint"
              onPointerDown={event => {
                painting.current = true
                event.currentTarget.setPointerCapture(event.pointerId)
                paint(event)
              }}
              onPointerMove={event => painting.current && paint(event)}
              onPointerUp={end}
              onPointerCancel={end}
            >
              <PictureView picture={cipher} label={text.damaged} />
            </figure>
            <figure aria-live="polite">
              {view.restored.value ? <PictureView picture={view.restored.value} label={text.restored} /> : null}
              {view.restoreFault.value ? <FaultView fault={view.restoreFault.value} /> : null}
            </figure>
          </div>
        </>
      ) : (
        <p class="note">{text.impossible}</p>
      )}
    </section>
  )
}

/** The picture as it comes out of a JPEG. */
async function throughJpeg(picture: Image<'u8'>): Promise<Image<'u8'>> {
  const { width, height, channels } = picture
  const canvas = new OffscreenCanvas(width, height)
  const visible = document.createElement('canvas')
  visible.width = width
  visible.height = height
  show(picture, visible)
  canvas.getContext('2d')!.drawImage(visible, 0, 0)
  const made = await createImageBitmap(await canvas.convertToBlob({ type: 'image/jpeg', quality: JPEG_QUALITY }))
  const context = canvas.getContext('2d')!
  context.drawImage(made, 0, 0)
  return withChannels(context.getImageData(0, 0, width, height).data, width, height, channels === 1 ? 1 : 3)
}
