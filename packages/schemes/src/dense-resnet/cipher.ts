import { argumentError, type Image, type ImageCipher, randomBytes } from '@latent/core'
import { parameterCount } from '@latent/graph'
import { requireKeyBytes } from '../byte-cipher.ts'
import { decryptTiles, encryptTiles, type Maker, paddedShape, readLabels, type TileRule, withLabels } from '../learned/index.ts'
import { diffuse, type Diffusion, passKeys, undiffuse } from './diffusion.ts'
import { multiplications, MULTIPLE } from './network.ts'
import type { DenseNetworks } from './networks.ts'

/** Tiles bound memory and compilation; the smallest image is one that every layer can see the middle of. */
export const TILE_RULE: TileRule = { tile: 256, multiple: MULTIPLE, minimum: 8 }
const NONCE_BYTES = 16

export interface DenseResnetVariant {
  readonly id: string
  readonly title: string
  readonly diffusion: Diffusion
  /** Draws a nonce for every image; otherwise the key stream depends on the key alone, unless a nonce is given. */
  readonly fresh: boolean
}

/** As described: a plain XOR chain, there and back, under one key stream. Networks without norms, see `Form`. */
export const DESCRIBED: DenseResnetVariant = {
  id: 'dense-resnet-2024',
  title: 'Bit-XOR diffusion (as Bao et al. 2024 name it) behind a Dense-ResNet of ours: no norms, started from a code written by hand',
  diffusion: { form: 'xor-chain', passes: 2 },
  fresh: false,
}

/** Ours: an S-box in the chain, three passes, a nonce for every image. */
export const REPAIRED: DenseResnetVariant = {
  id: 'dense-resnet-2024-repaired',
  title: 'Dense-ResNet with S-box diffusion in three passes and a fresh nonce (own repair of Bao et al. 2024), networks of ours',
  diffusion: { form: 'xor-sbox', passes: 3 },
  fresh: true,
}

/**
 * The whole cipher: encryption network, rounding to bytes, diffusion; lossy by the networks and the
 * rounding between them alone.
 *
 * What is secret is the 32-byte key of the diffusion. The weights of the networks are public: whoever
 * takes the diffusion off has an image that the published decryption network opens.
 */
export function denseResnetCipher(networks: DenseNetworks, { id, title, diffusion, fresh }: DenseResnetVariant): ImageCipher {
  const maker: Maker = { scheme: id, profile: networks.profile, sha256: networks.sha256 }
  return {
    id,
    title,
    traits: { exact: false, wire: ['u8'], lengthPreserving: false, secret: 'key', randomised: fresh, learnable: false },
    keySpace: { bits: 256, note: 'the 32-byte key of the XOR diffusion; the weights of the networks are public and fixed, and protect nothing once the diffusion is off' },
    cost(size) {
      const { width, height } = paddedShape({ ...size, format: 'u8' }, TILE_RULE, 'u8')
      const { encryption, decryption } = networks.parameters
      return { parameters: parameterCount({ encryption, decryption }), macs: multiplications(networks.form, encryption, width, height) }
    },
    async encrypt(plain, key, { nonce, wire = 'u8', check = false } = {}) {
      requireKeyBytes(key)
      if (wire !== 'u8') throw argumentError('wire', 'u8: the diffusion works on bytes', wire)
      const used = nonce ?? (fresh ? randomBytes(NONCE_BYTES) : new Uint8Array(0))
      const intermediate = await encryptTiles(plain, TILE_RULE, 'u8', networks.encrypt)
      const bytes = intermediate.data as Uint8Array
      const data = diffuse(diffusion.form, bytes, await passKeys(diffusion, bytes.length, key, used))
      return withLabels({ ...intermediate, data }, plain, maker, key, { nonce: used, check })
    },
    async decrypt(cipher, key, options = {}) {
      requireKeyBytes(key)
      const { plain, nonce } = await readLabels(cipher, maker, ['u8'], key, options)
      const bytes = cipher.data as Uint8Array
      const data = undiffuse(diffusion.form, bytes, await passKeys(diffusion, bytes.length, key, nonce))
      return decryptTiles({ ...cipher, data }, plain, TILE_RULE, networks.decrypt)
    },
  }
}

/** The networks without the diffusion: what an attacker has who took it off. Public, no key. */
export const intermediateCipher = (networks: DenseNetworks, plain: Image): Promise<Image> => encryptTiles(plain, TILE_RULE, 'u8', networks.encrypt)
export const openIntermediate = (networks: DenseNetworks, intermediate: Image, plain: Pick<Image, 'width' | 'height' | 'channels' | 'format'>): Promise<Image> =>
  decryptTiles(intermediate, plain, TILE_RULE, networks.decrypt)
