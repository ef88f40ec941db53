import type { Image } from '@latent/core'
import { defineAttack } from '../contract.ts'
import { controls } from '../controls.ts'
import { asPicture } from '../score.ts'

/**
 * Decrypts with a key that is wrong in one bit or, where weights are the secret, with every weight wrong by a part in a
 * hundred of its layer's root mean square.
 */
export const nearKey = defineAttack({
  id: 'near-key',
  title: 'decryption with a key, or weights, that are almost right',
  threat: 'near-key',
  budget: 64,
  source: 'key sensitivity, as all papers test it',
  appliesTo: ({ reversible, secret }) =>
    !reversible ? 'nothing decrypts its pictures' : secret === 'none' ? 'it has no secret' : undefined,
  positiveControl: { scheme: controls.repeatedKey, expects: 'opened' },
  run: async ({ shape, nearlyDecrypt }) => ({
    async open(targets) {
      const found: Image<'u8'>[] = []
      for (const target of targets) found.push(asPicture(await nearlyDecrypt(target), shape))
      return found
    },
  }),
})
