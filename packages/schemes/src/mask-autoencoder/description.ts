import { describe, type Description } from '../contract/scheme.ts'
import type { Variant, SetName } from './network.ts'

/**
 * The ciphers by their registry ids. The bare paper key is the variant that the paper describes in full: CIFAR-10, with
 * the fully connected element.
 */
export const maskAutoencoderVariants = {
  'mask-autoencoder-2025': { variant: 'link', set: 'cifar' },
  'mask-autoencoder-2025-cifar-conv': { variant: 'conv', set: 'cifar' },
  'mask-autoencoder-2025-cifar-repaired': { variant: 'repaired', set: 'cifar' },
  'mask-autoencoder-2025-mnist-link': { variant: 'link', set: 'mnist' },
  'mask-autoencoder-2025-mnist-conv': { variant: 'conv', set: 'mnist' },
  'mask-autoencoder-2025-mnist-repaired': { variant: 'repaired', set: 'mnist' },
} satisfies Record<string, { readonly variant: Variant; readonly set: SetName }>

/** Id of one of the masked auto-encoders. */
export type MaskAutoencoderId = keyof typeof maskAutoencoderVariants

const PUBLISHED_KEYS = {
  bits: 0,
  note:
    'Decryption takes neither key nor mask: whoever has the weights decrypts. The published 2^24576 counts ' +
    'masks, which the decoder has learned.',
}
const REPAIRED_KEYS = {
  bits: 256,
  note: 'A key stream (AES-256-CTR, key and nonce through HKDF) is added to the latents; the weights are public.',
}

const TITLES: Readonly<Record<Variant, string>> = {
  repaired: 'repaired: keyed latents',
  link: 'as published, with fully connected links',
  conv: 'as published, convolutions alone',
}

function descriptionOf(id: MaskAutoencoderId): Description {
  const { variant, set }: { variant: Variant; set: SetName } = maskAutoencoderVariants[id]
  const repaired = variant === 'repaired'
  return describe({
    id,
    title: `masked auto-encoder, ${TITLES[variant]} (${set})`,
    role: repaired ? 'repaired' : 'published',
    paper: {
      authors: 'Madani, Bourennane',
      title: 'Visually image encryption and compression using a CNN based auto encoder',
      year: 2025,
      where: 'IJCNC 17(2)',
    },
    accepts: { formats: ['u8', 'u16', 'f32'] },
    wire: ['u8'],
    ...(repaired ? { nonce: { use: 'fresh', bytes: 16, others: 'as they are' } } : {}),
    exact: false,
    checkable: repaired,
    secret: repaired ? 'key' : 'weights',
    keySpace: repaired ? REPAIRED_KEYS : PUBLISHED_KEYS,
    // Which of the recipe's profiles the shipped weights are of.
    weights: { scheme: id, profile: 'compact' },
  })
}

/** What is said of each without code or weights. */
export const MASK_AUTOENCODERS = Object.fromEntries(
  (Object.keys(maskAutoencoderVariants) as MaskAutoencoderId[]).map(id => [id, descriptionOf(id)]),
) as Record<MaskAutoencoderId, Description>
