import { describe } from '../contract/scheme.ts'

/** Below 8 x 8 pixels there are fewer than 2^60 masks. */
export const MINIMUM_SIDE = 8

const FACTS = {
  paper: { authors: 'Yang, Ping, Xu', title: 'FlowCrypt', year: 2025, where: 'arXiv 2509.18696' },
  accepts: { formats: ['u8', 'u16', 'f32'], sides: { minimum: MINIMUM_SIDE } },
  wire: ['f32', 'u16', 'u8'],
  key: 'bytes',
  nonce: { use: 'optional', bytes: 16, others: 'as they are' },
  exact: false,
  checkable: true,
  keySpace: {
    bits: 256,
    note:
      'The seed that PBKDF2 stretches the key into; a shorter key has its own length. A map that is nearly right ' +
      'decrypts nearly right, so guesses need not be exact.',
  },
} as const

/**
 * The published dimensions, learned from random weights and from a start of ours, and a network that is quick on a
 * processor.
 */
export const FLOWCRYPTS = {
  'flowcrypt-2025': describe({
    ...FACTS,
    id: 'flowcrypt-2025',
    title: 'FlowCrypt (Yang et al. 2025), learned from random weights, with terms for what shows without a key',
    role: 'repaired',
    weights: { scheme: 'flowcrypt-2025', profile: 'paper', others: ['flowcrypt-2025-structured'] },
  }),
  'flowcrypt-2025-structured': describe({
    ...FACTS,
    id: 'flowcrypt-2025-structured',
    title: 'FlowCrypt, trained from a start written by hand',
    weights: { scheme: 'flowcrypt-2025', profile: 'paper', id: 'flowcrypt-2025-structured' },
  }),
  'flowcrypt-2025-compact': describe({
    ...FACTS,
    id: 'flowcrypt-2025-compact',
    title: 'FlowCrypt, a compact network',
    weights: {
      scheme: 'flowcrypt-2025-compact',
      profile: 'compact',
      others: ['flowcrypt-2025-compact-quality', 'flowcrypt-2025-compact-statistics'],
    },
  }),
}

/** Id of one of the FlowCrypt ciphers. */
export type FlowCryptId = keyof typeof FLOWCRYPTS
