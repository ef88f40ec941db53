import { defineAttack } from '../contract.ts'
import { asPicture } from '../score.ts'

/** Does nothing: the cipher image is shown as it is. What this opens or recognises needs no attack. */
export const look = defineAttack({
  id: 'look',
  title: 'looking at the cipher image',
  threat: 'ciphertext-only',
  doesNothing: true,
  positiveControl: { scheme: 'identity', expects: 'opened' },
  run: async ({ shape }) => ({ open: targets => targets.map(target => asPicture(target, shape)) }),
})
