import { type Image, image, KeyStream, sha256Of } from '@latent/core'
import { normals, tensor, type Parameter, type Tensor } from '@latent/graph'
import { expect, test } from 'vitest'
import { ofAmplitude } from '../src/optical-networks/damage.ts'
import { mendedTransform } from '../src/optical-networks/cipher.ts'
import { menderParameters } from '../src/optical-networks/network.ts'
import { amplitudes, decodePhases, encodePhases, type Field } from '../src/optics/index.ts'
import { drpeTransform } from '../src/optics/drpe.ts'

const key = (seed: number) => sha256Of(Uint8Array.of(seed))
const stream = (seed: number) => KeyStream.create(key(seed), 'latent/v1/test')
const NONCE = new Uint8Array(0)

/** Waves with an edge, as no noise is. */
const drawn = (channels = 3, side = 32): Image<'u8'> =>
  image({
    width: side,
    height: side,
    channels,
    format: 'u8',
    data: Uint8Array.from({ length: side * side * channels }, (_, i) => {
      const [x, y] = [Math.floor(i / channels) % side, Math.floor(i / channels / side)]
      return 128 + 60 * Math.sin((x + 9 * (i % channels)) / 6) + (x > y ? 40 : -40)
    }),
  })
test('noise of a field does to a picture what training does to it', async () => {
  const side = 64
  const area = side * side
  const own = await stream(7)
  const masks = { input: await own.uniforms(area), fourier: await own.uniforms(area) }
  const samples = Float64Array.from({ length: area }, (_, i) => 0.5 + 0.4 * Math.sin(i / 40))
  const light: Field = { width: side, height: side, data: new Float64Array(2 * area) }
  for (const [i, sample] of samples.entries()) light.data[2 * i] = sample
  const noise = (await normals(own, 4 * area)).map(value => 0.2 * value)
  const field = encodePhases(light, masks)
  const seen = amplitudes(decodePhases({ ...field, data: field.data.map((value, i) => value + noise[i]!) }, masks))
  const error = (found: (i: number) => number) =>
    samples.reduce((sum, sample, i) => sum + (found(i) - sample) ** 2, 0) / area
  const simulated = error(i => ofAmplitude(samples[i]!, [noise[2 * (area + i)]!, noise[2 * (area + i) + 1]!]))
  const measured = error(i => seen[i]!)
  expect(measured).toBeGreaterThan(1e-3)
  expect(Math.abs(simulated / measured - 1)).toBeLessThan(0.1)
})

test('a network that estimates no noise leaves what the bench gives, in any shape', async () => {
  const zero = ({ dims }: Parameter): Tensor<'f32'> =>
    tensor('f32', dims, new Float32Array(dims.reduce((product, side) => product * side, 1)))
  const tensors = Object.fromEntries(
    Object.entries(menderParameters()).flatMap(([name, { weight, bias }]) => [
      [`mender.${name}.weight`, zero(weight)],
      [`mender.${name}.bias`, zero(bias!)],
    ]),
  )
  const model = { id: 'file', scheme: 'optical-mender', profile: 'compact', sha256: '', tensors }
  const [bench, mended] = [drpeTransform(), mendedTransform(drpeTransform() as never, model)]
  for (const channels of [1, 3, 4]) {
    const plain = drawn(channels, 20)
    const call = { key: key(1), nonce: NONCE, wire: 'u8' as const }
    const cipher = await mended.encrypt(plain, call)
    expect(cipher.data).toEqual((await bench.encrypt(plain, call)).data)
    const [one, two] = [bench, mended].map(one => one.decrypt!(cipher, { ...call, plain }))
    expect((await two)!.data).toEqual((await one)!.data)
  }
  await mended.close?.()
})
