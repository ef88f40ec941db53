import type { Image, ImageCipher } from '@latent/core'
import { parameterCount } from '@latent/graph'
import { schemeCipher } from '../contract/open.ts'
import type { Shape, Transform } from '../contract/scheme.ts'
import { decryptTiles, encryptTiles, paddedShape, type TileRule } from '../neural/index.ts'
import { diffuse, type Diffusion, passKeys, undiffuse } from './diffusion.ts'
import { multiplications, MULTIPLE } from './network.ts'
import type { DenseNetworks } from './networks.ts'
import { DESCRIPTIONS, type DenseResnetId, MINIMUM_SIDE } from './description.ts'

/** Tiles bound memory and compilation; the smallest image is one that every layer can see the middle of. */
export const TILE_RULE: TileRule = { tile: 256, multiple: MULTIPLE, minimum: MINIMUM_SIDE }

/** Which scheme of the registry, and what follows its network. */
export interface DenseResnetVariant {
  readonly id: DenseResnetId
  readonly diffusion: Diffusion
}

/** As described: a plain XOR chain, there and back, under one key stream. Networks without norms, see `Variant`. */
export const DESCRIBED: DenseResnetVariant = { id: 'dense-resnet-2024', diffusion: { rule: 'xor-chain', passes: 2 } }

/** Ours: an S-box in the chain, three passes, a nonce for every image. */
export const REPAIRED: DenseResnetVariant = {
  id: 'dense-resnet-2024-repaired',
  diffusion: { rule: 'xor-sbox', passes: 3 },
}

/** The same diffusion behind networks that began as a code written by hand. */
export const STRUCTURED: DenseResnetVariant = { id: 'dense-resnet-2024-structured', diffusion: REPAIRED.diffusion }

/** All of them. */
export const DENSE_RESNETS: readonly DenseResnetVariant[] = [DESCRIBED, REPAIRED, STRUCTURED]

/**
 * The whole cipher: encryption network, rounding to bytes, diffusion; lossy by the networks and the
 * rounding between them alone.
 *
 * What is secret is the 32-byte key of the diffusion. The weights of the networks are public: whoever
 * takes the diffusion off has an image that the published decryption network opens.
 */
export function denseResnetTransform(networks: DenseNetworks, { diffusion }: DenseResnetVariant): Transform {
  return {
    made: networks,
    cost(size) {
      const { width, height } = paddedShape({ ...size, format: 'u8' }, TILE_RULE, 'u8')
      const { encryption, decryption } = networks.parameters
      return {
        parameters: parameterCount({ encryption, decryption }),
        macs: multiplications(networks.variant, encryption, width, height),
      }
    },
    async encrypt(plain, { key, nonce }) {
      const intermediate = await encryptTiles(plain, TILE_RULE, 'u8', networks.encrypt)
      const bytes = intermediate.data as Uint8Array
      return {
        ...intermediate,
        data: diffuse(diffusion.rule, bytes, await passKeys(diffusion, bytes.length, key, nonce)),
      }
    },
    async decrypt(cipher, { key, nonce, plain }) {
      const bytes = cipher.data as Uint8Array
      const data = undiffuse(diffusion.rule, bytes, await passKeys(diffusion, bytes.length, key, nonce))
      return decryptTiles({ ...cipher, data }, plain, TILE_RULE, networks.decrypt)
    },
    close: () => networks.close(),
  }
}

/** The cipher over networks that a caller opened and closes. */
export const denseResnetCipher = (networks: DenseNetworks, variant: DenseResnetVariant): ImageCipher =>
  schemeCipher(DESCRIPTIONS[variant.id], denseResnetTransform(networks, variant))

/** The networks without the diffusion: what an attacker has who took it off. Public, no key. */
export const intermediateCipher = (networks: DenseNetworks, plain: Image): Promise<Image> =>
  encryptTiles(plain, TILE_RULE, 'u8', networks.encrypt)
/** The decryption network alone, on a picture whose diffusion is undone already. */
export const openIntermediate = (networks: DenseNetworks, intermediate: Image, plain: Shape): Promise<Image> =>
  decryptTiles(intermediate, plain, TILE_RULE, networks.decrypt)
