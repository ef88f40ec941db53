import { type Image, type ImageCipher, image, KeyStream, sha256Of } from '@latent/core'
import {
  drawMask,
  type Variant,
  maskAutoencoderVariants,
  type MaskAutoencoderId,
  openMaskAutoencoder,
  SIDES,
  type SetName,
} from '@latent/schemes/mask-autoencoder'
import { drawDigit, drawPicture, PROCEDURAL_KINDS } from '@latent/data'
import { crop } from '@latent/lab'
import { repeatable } from '../repeatable.ts'
import type { StudyContext } from '../study.ts'

/** One of the six networks under study, with a key of the study's. */
export interface OpenVariant {
  readonly id: string
  readonly kind: Variant
  readonly set: SetName
  /** As tables call it. */
  readonly name: string
  readonly cipher: ImageCipher
  readonly mask: Uint8Array
  readonly key: Uint8Array
  encrypt(plain: Image<'u8'>): Promise<Image<'u8'>>
  decrypt(cipher: Image<'u8'>): Promise<Image<'u8'>>
  close(): Promise<void>
}

/**
 * All six, each with a key of the study's.
 * @throws E_WEIGHTS
 */
export async function openVariants(seed: number): Promise<OpenVariant[]> {
  return Promise.all(Object.keys(maskAutoencoderVariants).map(id => openVariant(id, seed)))
}

/** @param mask another one than the weights were trained for */
export async function openVariant(id: string, seed: number, mask?: Uint8Array): Promise<OpenVariant> {
  const { variant, set } = maskAutoencoderVariants[id as MaskAutoencoderId]
  const { cipher: drawing, close } = await openMaskAutoencoder(id, mask ? { mask } : {})
  const cipher = repeatable(drawing, seed)
  const key = sha256Of(new TextEncoder().encode(`a key of the study, seed ${seed}`))
  return {
    id,
    kind: variant,
    set,
    name: `${set}, ${variant}`,
    cipher,
    mask: mask ?? (await drawMask(set)),
    key,
    encrypt: async plain => (await cipher.encrypt(plain, key)) as Image<'u8'>,
    decrypt: async encrypted => (await cipher.decrypt(encrypted, key)) as Image<'u8'>,
    close,
  }
}

/** The official pictures of a set; in a quick study pictures of our own, so that it runs without data sets. */
export async function picturesOf(
  context: StudyContext,
  set: SetName,
  split: 'train' | 'test',
  limit: number,
): Promise<Image<'u8'>[]> {
  if (!context.quick)
    return (await context.images(`${set === 'mnist' ? 'mnist' : 'cifar10'}/${split}`, limit)).map(({ image }) => image)
  const salt = split === 'train' ? 1000 : 0
  return Promise.all(
    Array.from({ length: limit }, (_, i) =>
      set === 'mnist' ? drawDigit(i % 10, salt + Math.floor(i / 10)) : smallScene(i, salt),
    ),
  )
}

const smallScene = async (i: number, salt: number): Promise<Image<'u8'>> =>
  crop(
    await drawPicture(
      PROCEDURAL_KINDS[i % PROCEDURAL_KINDS.length]!,
      48,
      48,
      salt + Math.floor(i / PROCEDURAL_KINDS.length),
    ),
    SIDES.cifar,
    SIDES.cifar,
  )

/** Grey repeated to RGB, as the published scheme masks it. */
export const asRgb = (plain: Image<'u8'>): Image<'u8'> =>
  plain.channels === 3
    ? plain
    : image({
        width: plain.width,
        height: plain.height,
        channels: 3,
        format: 'u8',
        data: Uint8Array.from({ length: 3 * plain.data.length }, (_, i) => plain.data[Math.floor(i / 3)]!),
      })

/** Random numbers of the study, by purpose. */
export const chance = (seed: number, purpose: string): Promise<KeyStream> =>
  KeyStream.create(sha256Of(new TextEncoder().encode(`${purpose}, seed ${seed}`)), 'latent/v1/lab/study')
