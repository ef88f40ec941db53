import { deriveKey, type Image, type ImageCipher, image, sha256Of, repeatably } from '@latent/core'
import { encodePng } from '@latent/core/png'
import { byteView, histogram, neighbourPairs, sameShape, toWire } from '../metrics/index.ts'
import { oneBitChanged } from '../tests/trial.ts'
import { histogramChart, scatterChart } from './charts.ts'

/** What a report shows of one scheme: pictures as data URLs, charts as SVG. */
export interface Exhibit {
  readonly scheme: string
  readonly cipher: string
  readonly decrypted: string
  /** Decrypted under a key that differs in one bit; absent where the cipher refuses. */
  readonly wrongKey: string | undefined
  /** |difference| of the ciphers under two keys that differ in one bit, averaged over channels. */
  readonly keyDifference: string | undefined
  readonly histogram: string
  readonly scatter: string
}

/** One picture, and what every cipher makes of it: pictures as data URLs, charts as SVG. */
export interface Gallery {
  readonly name: string
  readonly plain: string
  readonly histogram: string
  readonly scatter: string
  readonly exhibits: readonly Exhibit[]
}

const SCATTER_POINTS = 260

/** Runs every cipher on one picture for the report. A cipher that fails leaves no exhibit. */
export async function gallery(name: string, plain: Image<'u8'>, ciphers: readonly ImageCipher[]): Promise<Gallery> {
  const exhibits: Exhibit[] = []
  for (const cipher of ciphers) {
    const made = await exhibit(cipher, plain).catch(() => undefined)
    if (made) exhibits.push(made)
  }
  return { name, plain: dataUrl(plain), ...(await charts(plain)), exhibits }
}

async function exhibit(cipher: ImageCipher, plain: Image<'u8'>): Promise<Exhibit> {
  const key = await deriveKey(sha256Of(new TextEncoder().encode(cipher.id)), 'latent/v1/lab/exhibit')
  const neighbour = oneBitChanged(key, 0)
  const nonce = repeatably(cipher, key.subarray(0, 16))
  const encrypted = await cipher.encrypt(plain, key, nonce)
  const underNeighbour = await cipher.encrypt(plain, neighbour, nonce)
  const wrong = await cipher.decrypt(encrypted, neighbour).catch(() => undefined)
  return {
    scheme: cipher.id,
    cipher: dataUrl(encrypted),
    decrypted: dataUrl(await cipher.decrypt(encrypted, key)),
    wrongKey: wrong && dataUrl(wrong),
    keyDifference: sameShape(encrypted, underNeighbour) ? dataUrl(difference(encrypted, underNeighbour)) : undefined,
    ...(await charts(encrypted)),
  }
}

async function charts(source: Image): Promise<{ histogram: string; scatter: string }> {
  const view = toWire(source, 'u8')
  const bytes = byteView(view)
  return {
    histogram: await histogramChart('histogram', histogram(bytes)),
    scatter: await scatterChart(
      'neighbours',
      neighbourPairs(bytes, view.width, view.height, view.channels, 'horizontal', SCATTER_POINTS),
    ),
  }
}

function difference(a: Image, b: Image): Image<'u8'> {
  const [x, y] = [toWire(a, 'u8'), toWire(b, 'u8')]
  const { width, height, channels } = x
  const data = Uint8Array.from({ length: width * height }, (_, p) => {
    let sum = 0
    for (let c = 0; c < channels; c++) sum += Math.abs(x.data[p * channels + c]! - y.data[p * channels + c]!)
    return sum / channels
  })
  return image({ width, height, channels: 1, format: 'u8', data })
}

/** A PNG of the image as the page shows it: 8 bits, at most four channels, no annotations. */
function dataUrl(source: Image): string {
  const { width, height, channels, data } = toWire(source, 'u8')
  const shown = channels <= 4 ? data : data.filter((_, i) => i % channels < 3)
  const png = encodePng(
    image({ width, height, channels: Math.min(channels, channels <= 4 ? 4 : 3), format: 'u8', data: shown }),
    9,
  )
  let binary = ''
  for (const byte of png) binary += String.fromCharCode(byte)
  return `data:image/png;base64,${btoa(binary)}`
}
