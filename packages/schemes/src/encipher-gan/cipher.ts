import { type Image, sha256Of, toHex } from '@latent/core'
import { compile, leaves, mapTree, shape, tensor } from '@latent/graph'
import type { Expr, MapTree, Parameter, Tensor, Tree } from '@latent/graph'
import { schemeCipher } from '../contract/open.ts'
import type { Description, LoadOptions, Shape, Transform } from '../contract/scheme.ts'
import { decryptTiles, encryptTiles, sizedNetwork, type Tile, type TileRule } from '../neural/index.ts'
import { type Model, modelFor, networkWeights } from '../models/index.ts'
import type { Profile } from '../recipe.ts'
import { DIMENSIONS, type Generator, generate, generatorParameters, type Norm } from './network.ts'
import { KEYED, LEARNED, MINIMUM_SIDE, PUBLISHED, STRUCTURED } from './description.ts'
import { mixing, START, structuredPair, type Weights } from './structure.ts'

/** Larger pictures are encrypted in tiles of this rule. */
export const TILES: TileRule = { tile: 256, multiple: 4, minimum: MINIMUM_SIDE }

/** Trained weights of both directions. */
export type Pair = { readonly encryption: Weights; readonly decryption: Weights }

/** What sets one of the ciphers apart from the others. */
interface Definition {
  readonly norm: Norm
  readonly made: { readonly profile: string; readonly sha256: string }
  /** Weights for one image; equal objects are compiled once. */
  readonly pair: (key: Uint8Array, nonce: Uint8Array) => Promise<Pair>
}

/**
 * A trained pair. The secret is the file of weights: train a pair of your own and give it, since whatever is
 * shipped is public.
 */
export async function loadTrained(
  { weights: wanted }: Description,
  norm: Norm,
  { weights }: LoadOptions = {},
): Promise<Transform> {
  const model = await modelFor(wanted!, weights)
  const pair = trainedPair(model, norm)
  return transformOf({ norm, made: model, pair: () => Promise.resolve(pair) })
}

/** The weights that come with Latent, for those who study them. */
export const shippedPairs: Readonly<Record<'published' | 'learned' | 'structured', () => Promise<Pair>>> = {
  published: async () => trainedPair(await modelFor(PUBLISHED.weights!, undefined), 'instance'),
  learned: async () => trainedPair(await modelFor(LEARNED.weights!, undefined), 'frozen'),
  structured: async () => trainedPair(await modelFor(STRUCTURED.weights!, undefined), 'frozen'),
}

function trainedPair(model: Model, norm: Norm): Pair {
  const parameters = generatorParameters(model.profile as Profile, norm)
  return {
    encryption: networkWeights(model, 'encryption', parameters),
    decryption: networkWeights(model, 'decryption', parameters),
  }
}

/**
 * Our keyed variant, which needs no weight file: key and nonce draw the orthogonal matrix of the structured
 * start, so that each image is encrypted by weights of its own. Nothing is trained. Known pairs of one
 * image say nothing about the next, but 48 known blocks of 4x4 pixels give the rest of their image.
 */
export function keyedTransform(profile: Profile = 'paper'): Transform {
  const constants = JSON.stringify([START.whitening, START.deviation, ...START.bands])
  return transformOf({
    norm: 'frozen',
    made: { profile, sha256: toHex(sha256Of(new TextEncoder().encode(constants))) },
    pair: async (key, nonce) => structuredPair(profile, await mixing(key, START, nonce)),
  })
}

/** The keyed variant with other dimensions than the registry's. */
export function openKeyed(profile: Profile = 'paper') {
  const transform = keyedTransform(profile)
  return { cipher: schemeCipher(KEYED, transform), close: async () => transform.close?.() }
}

function transformOf({ norm, made, pair }: Definition): Transform {
  const profile = made.profile as Profile
  const networks = openNetworks(norm, profile)
  return {
    made,
    cost: size => ({ parameters: 2 * weightCount(profile), macs: multiplications(profile, size) }),
    encrypt: async (plain, { key, nonce }) => networks.encrypt((await pair(key, nonce)).encryption, plain),
    decrypt: async (cipher, { key, nonce, plain }) =>
      networks.decrypt((await pair(key, nonce)).decryption, cipher, plain),
    close: () => networks.close(),
  }
}

/** Runs networks of one variant on images of any size, without annotations. */
export interface Networks {
  /** @returns 8 bits a sample. @throws E_IMAGE below the smallest size */
  encrypt(encryption: Weights, plain: Image): Promise<Image>
  /** @throws E_IMAGE if the cipher image cannot have come from a plain one of this shape */
  decrypt(decryption: Weights, cipher: Image, plain: Shape): Promise<Image>
  close(): Promise<void>
}

/**
 * Sessions by size. Weights are fed rather than built in: one session then serves every key, and keyed
 * weights change with every image.
 */
export function openNetworks(norm: Norm, profile: Profile): Networks {
  const parameters = mapTree(generatorParameters(profile, norm), (_, leaf) => shape((leaf as Parameter).dims))
  const sized = sizedNetwork(({ width, height }) =>
    compile(({ p, x }: { p: MapTree<typeof parameters, Expr>; x: Expr }) => generate(p as Generator<Expr>, x, norm), {
      p: parameters,
      x: shape([1, 3, height, width]),
    }),
  )
  const transform = (weights: Weights) => {
    const feeds = Object.fromEntries(
      leaves<Tensor>(weights as unknown as Tree<Tensor>).map(([path, value]) => [`p.${path}`, value]),
    )
    return async (planes: Float32Array, { width, height }: Tile): Promise<Float32Array> => {
      const { output } = await sized.run(
        { width, height },
        {
          ...feeds,
          x: tensor(
            'f32',
            [1, 3, height, width],
            planes.map(value => 2 * value - 1),
          ),
        },
      )
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
function multiplications(
  profile: Profile,
  { width: w, height: h, channels }: Pick<Image, 'width' | 'height' | 'channels'>,
): number {
  const { width, blocks } = DIMENSIONS[profile]
  const perPixel =
    2 * 7 * 7 * 3 * width +
    (2 * 9 * width * 2 * width) / 4 +
    (2 * 9 * 2 * width * 4 * width) / 16 +
    (blocks * 2 * 9 * (4 * width) ** 2) / 16
  return Math.round(perPixel * w * h * Math.ceil(channels / 3))
}
