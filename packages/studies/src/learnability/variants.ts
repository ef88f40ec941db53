import {
  argumentError,
  type Image,
  type ImageCipher,
  KeyStream,
  LatentError,
  sha256Of,
  toHex,
  repeatably,
} from '@latent/core'
import { seedKey } from '@latent/graph'
import { findScheme, openScheme } from '@latent/schemes'
import { COLOUR_SETTINGS, GREY_SETTINGS, vortexPublished } from '@latent/schemes/vortex'
import type { LabelledSet } from '@latent/data'

/** One way of showing a data set to a network: a cipher under one key for training and testing. */
export interface Variant {
  readonly id: string
  readonly title: string
  readonly cipher: ImageCipher
  readonly key: Uint8Array
  readonly close: () => Promise<void>
}

/** Short names of variants; any other cipher of the registry takes part under its own id. */
const ALIASES: Readonly<Record<string, { readonly scheme: string; readonly title: string }>> = {
  plain: { scheme: 'identity', title: 'plain images' },
  le: { scheme: 'tanaka-le', title: 'learnable encryption (Tanaka)' },
  ele: { scheme: 'extended-le', title: 'extended learnable encryption' },
  pe: { scheme: 'pixel-based', title: 'pixel-based encryption, one key' },
  etc: { scheme: 'etc', title: 'encryption-then-compression' },
  'fixed-permutation': { scheme: 'fixed-permutation', title: 'one pixel permutation for all images' },
  'per-image-permutation': { scheme: 'per-image-permutation', title: 'a new pixel permutation for every image' },
  aes: { scheme: 'aes-256-ctr', title: 'AES-256-CTR, a new nonce for every image' },
}

/** The vortex by number of vortices, the ciphers that it is compared with, and the controls. */
export const DEFAULT_VARIANTS = [
  'plain',
  'vortex-published',
  'vortex:1',
  'vortex:2',
  'vortex:5',
  'vortex:10',
  'vortex:20',
  'fixed-permutation',
  'per-image-permutation',
  'le',
  'pe',
  'etc',
  'aes',
] as const

/** The vortices of the key file that the paper's repository has for the set. */
export const PUBLISHED_VARIANT = 'vortex-published'

/** Variants of every run: `plain` must be learned, `aes` must not. */
export const CONTROL_VARIANTS = { positive: 'plain', negative: 'aes' } as const

/** The vortex with the number of vortices given, such as `vortex:5`. */
const VORTEX = /^vortex:(\d{1,3})$/
/** Whether the variant has a number of vortices under a drawn key. */
export const isVortexVariant = (id: string): boolean => VORTEX.test(id)

/** What opening a variant takes beside its name. */
export interface VariantContext {
  /**
   * Draws the key of the variant: all variants of one seed have the same 32 bytes, so that `vortex:2` begins with the
   * vortex of `vortex:1`.
   */
  readonly seed: number
  /** Of the images: grey and colour sets have vortices of other strengths. */
  readonly channels: number
  /** Texts of vortex key files, by variant: of `vortex-published`, and of {@link keyFileVariant}. */
  readonly keyFiles: Readonly<Record<string, Uint8Array>>
}

/** The variant of a user's own vortex key file, named after its content: another file is another variant. */
export const keyFileVariant = (text: Uint8Array): string => `vortex-file-${toHex(sha256Of(text)).slice(0, 8)}`
/** Whether the variant is of a user's own key file. */
export const isKeyFileVariant = (id: string): boolean => /^vortex-file-[0-9a-f]{8}$/.test(id)

/**
 * @throws E_ARGUMENT for an unknown variant, or one whose cipher images are no 8-bit images of the same size; E_DATA
 * without the published key
 */
export async function openVariant(id: string, { seed, channels, keyFiles }: VariantContext): Promise<Variant> {
  const stream = await KeyStream.create(seedKey(seed), 'latent/v1/lab/learnability')
  const key = await stream.bytes(32)
  const nothing = async () => undefined
  if (id === PUBLISHED_VARIANT || isKeyFileVariant(id)) {
    const text = Object.hasOwn(keyFiles, id) ? keyFiles[id] : undefined
    if (!text)
      throw new LatentError(
        'E_DATA',
        id === PUBLISHED_VARIANT
          ? 'the published vortex key of this set is not there'
          : `the key file of ${id} was not given`,
        { hint: 'give it with --vortex-key FILE; published ones are read from the folder vortex-keys of LATENT_DATA' },
      )
    return {
      id,
      title: id === PUBLISHED_VARIANT ? 'vortex, published key' : 'vortex, a key file of one’s own',
      cipher: vortexPublished(),
      key: text,
      close: nothing,
    }
  }
  const count = Number(VORTEX.exec(id)?.[1] ?? 0)
  if (count > 0) {
    const { strength } = channels === 1 ? GREY_SETTINGS : COLOUR_SETTINGS
    return { id, title: `vortex, ${count} of them`, cipher: vortexPublished({ count, strength }), key, close: nothing }
  }
  const alias = Object.hasOwn(ALIASES, id) ? ALIASES[id] : undefined
  const scheme = schemeOf(alias?.scheme ?? id, id)
  if (scheme.weights) throw argumentError('variants', 'ciphers without a network of their own', id)
  const { cipher, close } = await openScheme(scheme)
  if (!cipher.traits.lengthPreserving || cipher.traits.wire[0] !== 'u8') {
    await close()
    throw argumentError('variants', 'ciphers whose images are 8-bit ones of the same size', id)
  }
  return { id, title: alias?.title ?? cipher.title, cipher, key, close }
}

/** Whether every image has a nonce of its own under this variant. */
export async function isRandomised(id: string): Promise<boolean> {
  if (id.startsWith('vortex')) return false
  const { cipher, close } = await openVariant(id, { seed: 1, channels: 3, keyFiles: {} })
  await close()
  return cipher.traits.randomised
}

function schemeOf(scheme: string, variant: string): ReturnType<typeof findScheme> {
  try {
    return findScheme(scheme)
  } catch (cause) {
    throw new LatentError('E_ARGUMENT', `there is no variant ${JSON.stringify(variant)}`, {
      hint:
        `known variants: ${Object.keys(ALIASES).join(', ')}, vortex-published, vortex:1 to vortex:999, and ` +
        'every cipher of latent lab list',
      cause,
    })
  }
}

/** Which images a nonce is for. */
export type Part = 'train' | 'test' | 'probe'

/**
 * 16 bytes for every image; they follow from its place, so that a resumed run encrypts alike. Hashed: a counter
 * mode takes them for its first counter, and those of neighbours must not overlap.
 */
const nonceOf = (part: Part, index: number): Uint8Array =>
  sha256Of(new TextEncoder().encode(`${part} ${index}`)).subarray(0, 16)

/** One image as the variant shows it. */
export const encryptImage = ({ cipher, key }: Variant, plain: Image<'u8'>, part: Part, index: number): Promise<Image> =>
  cipher.encrypt(plain, key, repeatably(cipher, nonceOf(part, index)))

/** The `index`-th image of a set. */
export function imageOf({ width, height, channels, samples }: LabelledSet, index: number): Image<'u8'> {
  const size = width * height * channels
  return { width, height, channels, format: 'u8', data: samples.subarray(index * size, (index + 1) * size) }
}

/** A whole set as the variant shows it; labels stay. */
export async function encryptSet(variant: Variant, set: LabelledSet, part: Part): Promise<LabelledSet> {
  const samples = new Uint8Array(set.samples.length)
  const size = set.width * set.height * set.channels
  for (let i = 0; i < set.labels.length; i++) {
    const { data } = await encryptImage(variant, imageOf(set, i), part, i)
    samples.set(data, i * size)
  }
  return { ...set, samples }
}
