import { type CipherTraits, type Image, type ImageCipher, type KeySpace, LatentError, randomBytes, sha256Of, toHex } from '@latent/core'
import { compile, leaves, mapTree, shape, tensor } from '@latent/graph'
import type { Expr, MapTree, Parameter, Tensor, Tree } from '@latent/graph'
import { requireKeyBytes } from '../byte-cipher.ts'
import { decryptTiles, encryptTiles, type Maker, readLabels, sizedNetwork, type Tile, type TileRule, withLabels } from '../learned/index.ts'
import { loadModel, type Model, networkWeights, readModel } from '../models/index.ts'
import type { Profile } from '../recipe.ts'
import { DIMENSIONS, type Generator, generate, generatorParameters, type Norm } from './network.ts'
import { mixing, START, structuredPair, type Weights } from './structure.ts'

/** Sides of at least 16: below, instance norm has too few positions to take statistics of. */
export const TILES: TileRule = { tile: 256, multiple: 4, minimum: 16 }

/** An open cipher and the sessions behind it. */
export interface OpenCipher {
  readonly cipher: ImageCipher
  /** SHA-256. */
  readonly weights: string
  readonly close: () => Promise<void>
}

export type Pair = { readonly encryption: Weights; readonly decryption: Weights }

/** What sets one of the ciphers apart from the others. */
interface Definition {
  readonly id: string
  readonly title: string
  readonly profile: Profile
  readonly norm: Norm
  readonly maker: Maker
  readonly keySpace: KeySpace
  readonly traits: Pick<CipherTraits, 'secret' | 'randomised'>
  /** Weights for one image; equal objects are compiled once. */
  readonly pair: (key: Uint8Array, nonce: Uint8Array) => Promise<Pair>
}

const NONCE_BYTES = 16

const PUBLISHED = 'encipher-gan-2023'
const STRUCTURED = 'encipher-gan-2023-structured'
const KEYED = 'encipher-gan-2023-keyed'

const WEIGHTS_NOTE = 'The weights are the secret; the bytes of the key do not enter. Whoever has the shipped weights decrypts.'

/**
 * The published form: instance norm, trained from a random start. The secret is the file of weights: train
 * a pair of your own and give it, since whatever is shipped is public.
 */
export function openPublished(weights?: Uint8Array): Promise<OpenCipher> {
  return openTrained(PUBLISHED, 'Encipher GAN, as published (short training)', 'instance', weights, 'Nominally 32 bits for each of 2,847,936 weights, but small changes of them change nothing that is seen.')
}

/** Ours: thresholds in place of norms, structured start, trained. The secret is the file of weights here too. */
export function openStructured(weights?: Uint8Array): Promise<OpenCipher> {
  return openTrained(STRUCTURED, 'Encipher GAN, ours: thresholds, structured start', 'frozen', weights, 'Close to one linear map of 48 samples: a few dozen known blocks replace the weights.')
}

async function openTrained(id: string, title: string, norm: Norm, weights: Uint8Array | undefined, limit: string): Promise<OpenCipher> {
  const model = weights === undefined ? await shippedModel(id) : readModel(weights, { scheme: id, profile: 'paper' })
  const pair = trainedPair(model, norm)
  return cipherOf({ id, title, profile: 'paper', norm, maker: model, keySpace: { bits: 0, note: `${WEIGHTS_NOTE} ${limit}` }, traits: { secret: 'weights', randomised: false }, pair: () => Promise.resolve(pair) })
}

const shippedModel = (id: string): Promise<Model> => loadModel(`${id}-paper`, { scheme: id, profile: 'paper' })

/** The weights that come with Latent, for those who study them. */
export const shippedPairs: Readonly<Record<'instance' | 'frozen', () => Promise<Pair>>> = {
  instance: async () => trainedPair(await shippedModel(PUBLISHED), 'instance'),
  frozen: async () => trainedPair(await shippedModel(STRUCTURED), 'frozen'),
}

function trainedPair(model: Model, norm: Norm): Pair {
  const parameters = generatorParameters('paper', norm)
  return { encryption: networkWeights(model, 'encryption', parameters), decryption: networkWeights(model, 'decryption', parameters) }
}

/**
 * Our keyed variant, which needs no weight file: key and nonce draw the orthogonal matrix of the structured
 * start, so that each image is encrypted by weights of its own. Nothing is trained. Known pairs of one
 * image say nothing about the next, but 48 known blocks of 4x4 pixels give the rest of their image.
 */
export function openKeyed(profile: Profile = 'paper'): OpenCipher {
  return cipherOf({
    id: KEYED,
    title: 'Encipher GAN, ours: weights drawn from the key',
    profile,
    norm: 'frozen',
    maker: { scheme: KEYED, profile, sha256: toHex(sha256Of(new TextEncoder().encode(JSON.stringify([START.whitening, START.deviation, ...START.bands])))) },
    keySpace: { bits: 256, note: 'The orthogonal 48x48 matrix is the equivalent key of one image: 48 known blocks of 4x4 pixels give it.' },
    traits: { secret: 'key', randomised: true },
    pair: async (key, nonce) => structuredPair(profile, await mixing(key, START, nonce)),
  })
}

function cipherOf({ id, title, profile, norm, maker, keySpace, traits, pair }: Definition): OpenCipher {
  const networks = openNetworks(norm, profile)
  const nonceBytes = traits.randomised ? NONCE_BYTES : 0
  return {
    close: () => networks.close(),
    weights: maker.sha256,
    cipher: {
      id,
      title,
      traits: { exact: false, wire: ['u8'], lengthPreserving: false, learnable: false, ...traits },
      keySpace,
      cost: size => ({ parameters: 2 * weightCount(profile), macs: multiplications(profile, size) }),
      async encrypt(plain, key, options = {}) {
        requireKeyBytes(key)
        requireWire(id, options.wire)
        if (options.check && traits.secret !== 'key') throw new LatentError('E_ARGUMENT', `${id} makes no use of the key, so that there is none to check`, { hint: `${KEYED} has one` })
        const nonce = options.nonce === undefined ? randomBytes(nonceBytes) : sized(options.nonce, nonceBytes)
        const { encryption } = await pair(key, nonce)
        const cipher = await networks.encrypt(encryption, plain)
        return withLabels(cipher, plain, maker, key, { nonce, check: options.check ?? false })
      },
      async decrypt(cipher, key, options = {}) {
        requireKeyBytes(key)
        const { plain, nonce } = await readLabels(cipher, maker, ['u8'], key, options.nonce === undefined ? {} : { nonce: sized(options.nonce, nonceBytes) })
        const { decryption } = await pair(key, nonce)
        return networks.decrypt(decryption, cipher, plain)
      },
    },
  }
}

/** As byte ciphers take them: a nonce of another length is hashed to the cipher's. */
const sized = (nonce: Uint8Array, length: number): Uint8Array => (nonce.length === length ? nonce : sha256Of(nonce).subarray(0, length))

function requireWire(id: string, wire: Image['format'] | undefined): void {
  if (wire !== undefined && wire !== 'u8') throw new LatentError('E_ARGUMENT', `${id} writes cipher images of 8-bit samples, and ${wire} was asked for`)
}

/** Runs networks of one form on images of any size, without labels. */
export interface Networks {
  /** @returns 8 bits a sample. @throws E_IMAGE below the smallest size */
  encrypt(encryption: Weights, plain: Image): Promise<Image>
  /** @throws E_IMAGE if the cipher image cannot have come from a plain one of this shape */
  decrypt(decryption: Weights, cipher: Image, plain: Pick<Image, 'width' | 'height' | 'channels' | 'format'>): Promise<Image>
  close(): Promise<void>
}

/**
 * Sessions by size. Weights are fed rather than built in: one session then serves every key, and keyed
 * weights change with every image.
 */
export function openNetworks(norm: Norm, profile: Profile): Networks {
  const parameters = mapTree(generatorParameters(profile, norm), (_, leaf) => shape((leaf as Parameter).dims))
  const sized = sizedNetwork(({ width, height }) => compile(({ p, x }: { p: MapTree<typeof parameters, Expr>; x: Expr }) => generate(p as Generator<Expr>, x, norm), { p: parameters, x: shape([1, 3, height, width]) }))
  const transform = (weights: Weights) => {
    const feeds = Object.fromEntries(leaves<Tensor>(weights as unknown as Tree<Tensor>).map(([path, value]) => [`p.${path}`, value]))
    return async (planes: Float32Array, { width, height }: Tile): Promise<Float32Array> => {
      const { output } = await sized.run({ width, height }, { ...feeds, x: tensor('f32', [1, 3, height, width], planes.map(value => 2 * value - 1)) })
      return (output!.data as Float32Array).map(value => (value + 1) / 2)
    }
  }
  return {
    encrypt: (encryption, plain) => encryptTiles(plain, TILES, 'u8', transform(encryption)),
    decrypt: (decryption, cipher, plain) => decryptTiles(cipher, plain, TILES, transform(decryption)),
    close: () => sized.close(),
  }
}

/** Weights of one generator, thresholds not counted. */
export function weightCount(profile: Profile): number {
  const { width, blocks } = DIMENSIONS[profile]
  return 2 * 7 * 7 * 3 * width + 2 * 9 * (width * 2 * width + 2 * width * 4 * width) + blocks * 2 * 9 * (4 * width) ** 2
}

/** Multiply-accumulates of one pass over an image. */
function multiplications(profile: Profile, { width: w, height: h, channels }: Pick<Image, 'width' | 'height' | 'channels'>): number {
  const { width, blocks } = DIMENSIONS[profile]
  const perPixel = 2 * 7 * 7 * 3 * width + (2 * 9 * width * 2 * width) / 4 + (2 * 9 * 2 * width * 4 * width) / 16 + (blocks * 2 * 9 * (4 * width) ** 2) / 16
  return Math.round(perPixel * w * h * Math.ceil(channels / 3))
}
