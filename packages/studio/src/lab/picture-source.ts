import { type Image, LatentError } from '@latent/core'
import { signal, type Signal } from '@preact/signals-core'
import type { ProceduralKind } from '@latent/data'
import { openLab } from './lab.ts'
import { strings } from '../strings.ts'
import { show } from './picture-view.tsx'
import { withChannels } from './channels.ts'

/** The picture that is studied: a drawn one, or a photo of the user's. */
export const chosenPicture: Signal<ProceduralKind | File> = signal('landscape')

/** Pixels a side in which a drawing is made before it is brought to size. */
const DRAWN = 256

/** The chosen picture as a square of this side. @throws E_IMAGE where the browser cannot show it */
export async function squareOf(
  chosen: ProceduralKind | File,
  { side, channels }: { readonly side: number; readonly channels: 1 | 3 },
): Promise<Image<'u8'>> {
  const source = typeof chosen === 'string' ? await drawnCanvas(chosen) : await bitmapOf(chosen)
  const canvas = document.createElement('canvas')
  canvas.width = canvas.height = side
  const context = canvas.getContext('2d', { willReadFrequently: true })!
  context.imageSmoothingQuality = 'high'
  const scale = side / Math.min(source.width, source.height)
  const [width, height] = [source.width * scale, source.height * scale]
  context.drawImage(source, (side - width) / 2, (side - height) / 2, width, height)
  return withChannels(context.getImageData(0, 0, side, side).data, side, side, channels)
}

async function bitmapOf(file: File): Promise<ImageBitmap> {
  try {
    return await createImageBitmap(file)
  } catch (cause) {
    const { message, hint } = strings.lab.unreadable
    throw new LatentError('E_IMAGE', message, { hint, cause })
  }
}

async function drawnCanvas(kind: ProceduralKind): Promise<HTMLCanvasElement> {
  const canvas = document.createElement('canvas')
  canvas.width = canvas.height = DRAWN
  show(await (await openLab()).draw(kind, DRAWN), canvas)
  return canvas
}
