import { KeyStream } from '@latent/core'

const SIDE = 16
const CHANNELS = 8
/** Bytes of the public key. */
export const PUBLIC_KEY_BYTES = 32

let drawn: Promise<Float64Array> | undefined
const kernels = (): Promise<Float64Array> =>
  (drawn ??= KeyStream.create(new Uint8Array(32), 'latent/v1/erkan/network').then(async stream =>
    (await stream.uniforms(9 * CHANNELS * (1 + CHANNELS))).map(u => u - 0.5),
  ))

/**
 * The public key of a picture: its bytes, as 16 x 16 means, go through two convolutions, and trailing digits of what
 * comes out are the key. Any change of the picture is another key. Sums and products alone: the same on every machine.
 */
export async function networkKey(bytes: Uint8Array): Promise<Uint8Array> {
  const weights = await kernels()
  const means = new Float64Array(SIDE ** 2)
  for (let i = 0; i < bytes.length; i++)
    means[Math.floor((i * means.length) / bytes.length)]! += bytes[i]! * (1 + i / bytes.length)
  const scale = means.length / (255 * Math.max(bytes.length, means.length))
  const first = convolved([means.map(sum => sum * scale)], weights.subarray(0, 9 * CHANNELS))
  const second = convolved(first, weights.subarray(9 * CHANNELS))
  const key = new Uint8Array(PUBLIC_KEY_BYTES)
  for (let i = 0; i < key.length; i++) {
    const plane = second[i % CHANNELS]!
    const part = plane.filter((_, at) => at % 4 === Math.floor(i / CHANNELS)).reduce((sum, value) => sum + value, 0)
    key[i] = Math.floor(Math.abs(part) * 1e9) % 256
  }
  return key
}

/** 3 x 3 convolutions with zeros around, then max(x, 0.1 x). */
function convolved(planes: readonly Float64Array[], weights: Float64Array): Float64Array[] {
  return Array.from({ length: CHANNELS }, (_, out) => {
    const result = new Float64Array(SIDE ** 2)
    for (const [input, plane] of planes.entries()) {
      for (let k = 0; k < 9; k++) {
        const [dy, dx] = [Math.floor(k / 3) - 1, (k % 3) - 1]
        const weight = weights[(out * planes.length + input) * 9 + k]!
        for (let y = Math.max(0, -dy); y < Math.min(SIDE, SIDE - dy); y++)
          for (let x = Math.max(0, -dx); x < Math.min(SIDE, SIDE - dx); x++)
            result[y * SIDE + x]! += weight * plane[(y + dy) * SIDE + x + dx]!
      }
    }
    return result.map(value => Math.max(value, 0.1 * value))
  })
}
