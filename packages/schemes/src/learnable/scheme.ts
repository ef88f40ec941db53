import { bytewise, type ByteTransform } from '../contract/bytewise.ts'
import { defineScheme, type Description, type NonceRule, type Scheme } from '../contract/scheme.ts'

const FRESH: NonceRule = { use: 'fresh', bytes: 16, others: 'hashed' }
const BYTES = { formats: ['u8'] } as const
/** Blocks of 4x4 pixels. */
const BLOCKS = { formats: ['u8'], sides: { multiple: 4 } } as const

const TANAKA = { authors: 'Tanaka', title: 'Learnable image encryption', year: 2018, where: 'IEEE ICCE-TW' }
const SIRICHOTEDUMRONG = {
  authors: 'Sirichotedumrong, Kinoshita, Kiya',
  title: 'Pixel-based image encryption without key management for privacy-preserving deep neural networks',
  year: 2019,
  where: 'IEEE Access',
}
const KURIHARA = {
  authors: 'Kurihara, Kikuchi, Imaizumi, Shiota, Kiya',
  title: 'An encryption-then-compression system for JPEG/Motion JPEG standard',
  year: 2015,
  where: 'IEICE Transactions',
}

const learnable = (
  facts: Pick<Description, 'id' | 'title'> & Partial<Description>,
  transform: () => Promise<ByteTransform>,
): Scheme =>
  defineScheme({
    role: 'learnable',
    accepts: BYTES,
    learnable: true,
    ...facts,
    load: async () => bytewise(await transform()),
  })

function pixelBased(id: string, title: string, shuffle: boolean, sameKey: boolean): Scheme {
  return learnable(
    {
      id,
      title,
      paper: SIRICHOTEDUMRONG,
      ...(sameKey ? {} : { nonce: FRESH }),
      keySpace: {
        bits: 256,
        note: sameKey
          ? 'A bit a sample, but one chosen image gives them all.'
          : 'A bit a sample, new for every image; the smaller of v and 255 - v needs none of them.',
      },
    },
    async () => (await import('./pixel-based.ts')).pixelBased({ shuffle, sameKey }),
  )
}

/** Ciphers whose images a network is meant to be trained on, beside the vortex. */
export const learnableSchemes: readonly Scheme[] = [
  learnable(
    {
      id: 'tanaka-le',
      title: 'Learnable encryption (Tanaka 2018)',
      paper: TANAKA,
      accepts: BLOCKS,
      keySpace: {
        bits: 256,
        note: 'A permutation of 96 nibbles (about 2^498), but one chosen image of two blocks gives it.',
      },
    },
    async () => (await import('./block-nibbles.ts')).learnableEncryption(),
  ),
  learnable(
    {
      id: 'extended-le',
      title: 'Extended learnable encryption',
      accepts: BLOCKS,
      keySpace: {
        bits: 256,
        note: 'A permutation of nibbles for each block and one of the blocks; three chosen images give them all.',
      },
    },
    async () => (await import('./block-nibbles.ts')).extendedLearnableEncryption(),
  ),
  pixelBased('pixel-based', 'Pixel-based encryption', false, true),
  pixelBased('pixel-based-shuffle', 'Pixel-based encryption, channels shuffled', true, true),
  pixelBased('pixel-based-fresh', 'Pixel-based encryption, other key for every image', false, false),
  pixelBased(
    'pixel-based-shuffle-fresh',
    'Pixel-based encryption, channels shuffled, other key for every image',
    true,
    false,
  ),
  learnable(
    {
      id: 'etc',
      title: 'Encryption-then-compression (block scrambling)',
      paper: KURIHARA,
      accepts: BLOCKS,
      keySpace: {
        bits: 256,
        note: 'A permutation of the blocks and 96 states each; chosen images number the samples and give them all.',
      },
    },
    async () => (await import('./encryption-then-compression.ts')).encryptionThenCompression(),
  ),
  learnable(
    {
      id: 'per-image-permutation',
      title: 'Keyed pixel permutation, new for every image',
      accepts: { formats: ['u8', 'u16'] },
      nonce: FRESH,
      keySpace: { bits: 256, note: 'Every bit of the key counts; the histogram of the image is open all the same.' },
    },
    async () => (await import('./per-image-permutation.ts')).perImagePermutation(),
  ),
]
