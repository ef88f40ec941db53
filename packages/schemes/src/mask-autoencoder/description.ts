import { describe, type Description } from '../contract/scheme.ts'
import type { Form, Subject } from './network.ts'

/**
 * The ciphers by their registry ids. The bare paper key is the form that the paper describes in full: CIFAR-10, with
 * the fully connected element.
 */
export const maskAutoencoderForms = {
  'mask-autoencoder-2025': { form: 'link', subject: 'cifar' },
  'mask-autoencoder-2025-cifar-conv': { form: 'conv', subject: 'cifar' },
  'mask-autoencoder-2025-cifar-repaired': { form: 'repaired', subject: 'cifar' },
  'mask-autoencoder-2025-mnist-link': { form: 'link', subject: 'mnist' },
  'mask-autoencoder-2025-mnist-conv': { form: 'conv', subject: 'mnist' },
  'mask-autoencoder-2025-mnist-repaired': { form: 'repaired', subject: 'mnist' },
} satisfies Record<string, { readonly form: Form; readonly subject: Subject }>

/** Id of one of the masked auto-encoders. */
export type MaskAutoencoderId = keyof typeof maskAutoencoderForms

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

const TITLES: Readonly<Record<Form, string>> = {
  repaired: 'repaired: keyed latents',
  link: 'as published, with fully connected links',
  conv: 'as published, convolutions alone',
}

function descriptionOf(id: MaskAutoencoderId): Description {
  const { form, subject }: { form: Form; subject: Subject } = maskAutoencoderForms[id]
  const repaired = form === 'repaired'
  return describe({
    id,
    title: `masked auto-encoder, ${TITLES[form]} (${subject})`,
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
  (Object.keys(maskAutoencoderForms) as MaskAutoencoderId[]).map(id => [id, descriptionOf(id)]),
) as Record<MaskAutoencoderId, Description>
