import { initialise, leaves, type Tensor, type Tree } from '@latent/graph'
import { image, sha256Of } from '@latent/core'
import { expect, test } from 'vitest'
import { frozenJudge } from '../src/ito-transform/judge.ts'
import { transformParameters } from '../src/ito-transform/network.ts'
import { openScheme } from '../src/index.ts'
import { writeModel } from '../src/models/index.ts'
import { ganTransformTraining } from '../src/sirichotedumrong/recipe.ts'
import { sirichotedumrongSchemes } from '../src/sirichotedumrong/scheme.ts'

test('generator and discriminator learn in turn; the classifier stands still', async () => {
  const { networks, phases } = ganTransformTraining('compact', await frozenJudge())
  expect(phases.map(({ trains }) => trains)).toEqual([['discriminator'], ['transform']])
  expect(Object.keys(networks).toSorted()).toEqual(['discriminator', 'transform'])
})

test('pictures do not depend on the key, and nothing decrypts them', async () => {
  const transform = (await initialise(transformParameters('compact'), 5)) as unknown as Tree<Tensor<'f32'>>
  const tensors = Object.fromEntries(leaves<Tensor<'f32'>>({ transform }))
  const weights = writeModel({ scheme: 'sirichotedumrong-gan-2020', profile: 'compact', tensors }, { half: true })
  const { cipher, close } = await openScheme(sirichotedumrongSchemes[0]!, { weights })
  const data = Uint8Array.from({ length: 3 * 32 * 32 }, (_, i) => (i * 7) & 255)
  const plain = image({ width: 32, height: 32, channels: 3, format: 'u8', data })
  const [once, other] = [await cipher.encrypt(plain, sha256Of(data)), await cipher.encrypt(plain, new Uint8Array(32))]
  expect(once.data).toEqual(other.data)
  expect(once.data).not.toEqual(plain.data)
  await expect(cipher.decrypt(once, new Uint8Array(32))).rejects.toMatchObject({ code: 'E_UNSUPPORTED' })
  await close()
})
