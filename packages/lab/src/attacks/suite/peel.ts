import type { Image } from '@latent/core'
import { defineAttack } from '../contract.ts'
import { peel, xor } from '../diffusion-peel.ts'
import { asPicture } from '../score.ts'

/**
 * The networks are public, and only the diffusion has a key. One known picture gives its intermediate cipher; what is
 * peeled off the two ciphers gives the target's, and the public decryption network opens it. Works while both have one
 * key stream.
 */
export const diffusionPeel = defineAttack({
  id: 'diffusion-peel',
  title: 'the diffusion peeled off against one known picture, then the public decryption network',
  threat: 'known-pairs',
  returns: 'key',
  weights: 'public',
  appliesTo: ({ id }) => (id.startsWith('dense-resnet-2024') ? undefined : 'it has no such diffusion'),
  positiveControl: { scheme: 'dense-resnet-2024', expects: 'opened' },
  async run({ shape, pairs, scheme }) {
    const [known] = await pairs(1)
    const { denseResnetModel, DENSE_RESNETS, DESCRIBED, intermediateCipher, openIntermediate, openNetworks } =
      await import('@latent/schemes/dense-resnet')
    // Controls have no such diffusion, and are met as if they were the one that is described.
    const own = DENSE_RESNETS.find(({ id }) => id === scheme.id)
    const { diffusion } = own ?? DESCRIBED
    const model = await denseResnetModel(undefined, 'paper', own && scheme.weights?.id)
    const networks = openNetworks(model)
    const intermediate = await intermediateCipher(networks, known!.plain)
    await networks.close()
    if (intermediate.data.length !== known!.cipher.data.length) return undefined
    return {
      async open(targets) {
        const opening = openNetworks(model)
        const found: Image<'u8'>[] = []
        try {
          for (const target of targets) {
            const peeled = peel(diffusion, known!.cipher.data as Uint8Array, target.data as Uint8Array)
            const data = xor(intermediate.data as Uint8Array, peeled)
            const plain = await openIntermediate(opening, { ...intermediate, data }, { ...shape, format: 'u8' })
            found.push(asPicture(plain, shape))
          }
        } finally {
          await opening.close()
        }
        return found
      },
    }
  },
})
