import { KeyStream } from '@latent/core'
import { tensor, type Tensor } from '@latent/graph'
import { amplitudes, encodePhases } from '../optics/bench.ts'

/** What a camera behind an optical bench sees of other pictures: amplitudes, half of them as bright, cut at white. */
export async function opticalPictures({ dims, data }: Tensor<'f32'>): Promise<Tensor<'f32'>> {
  const [, , height, width] = dims as unknown as [number, number, number, number]
  const area = width * height
  const stream = await KeyStream.create(new Uint8Array(32), 'latent/v1/cycles/bench')
  const masks = { input: await stream.uniforms(area), fourier: await stream.uniforms(area) }
  const out = new Float32Array(data.length)
  // The last pictures first: what hides a picture is not its own cipher, which would be a pair.
  for (let from = 0; from < data.length; from += area) {
    const plane = data.subarray(data.length - from - area, data.length - from)
    const field = new Float64Array(2 * area)
    for (let i = 0; i < area; i++) field[2 * i] = plane[i]!
    const seen = amplitudes(encodePhases({ width, height, data: field }, masks))
    out.set(
      seen.map(value => Math.min(1, value / 2)),
      from,
    )
  }
  return tensor('f32', dims, out)
}
