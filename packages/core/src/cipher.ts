import type { Image, SampleFormat } from './image.ts'

/** What a cipher promises. Suites, reports and the command line read these; none is taken on trust by the lab. */
export interface CipherTraits {
  /** `decrypt(encrypt(x))` equals `x` to the last bit, in every wire format listed. */
  readonly exact: boolean
  /** Sample formats in which the cipher image may travel, the usual one first. */
  readonly wire: readonly SampleFormat[]
  /** The cipher image has the dimensions, channels and format of the plain one. */
  readonly lengthPreserving: boolean
  /** Where the secret lies. `none` marks controls and public transforms. */
  readonly secret: 'key' | 'mask' | 'weights' | 'none'
  /** Equal images give different ciphers, because a fresh nonce is drawn for each. */
  readonly randomised: boolean
  /** Meant to leave enough structure that a network can be trained on cipher images. */
  readonly learnable: boolean
  /** Bytes of samples that are mixed with each other, where larger images are cut: a change stays in its tile. */
  readonly tileBytes?: number
}

/** The annotation of a cipher image (a PNG text chunk) in which its nonce travels, in hexadecimal. */
export const NONCE_ANNOTATION = 'latent:nonce'

/** What a call of a cipher takes beside image and key. */
export interface CipherOptions {
  /**
   * Separates encryptions under one key. Deterministic ciphers use an empty nonce when none is given;
   * randomised ones draw one and return it in the cipher image's annotations.
   */
  readonly nonce?: Uint8Array
  /**
   * Encryption: the format that the cipher image is to have, one of the traits' `wire`; the first of them by default.
   */
  readonly wire?: SampleFormat
  /**
   * Encryption by a lossy cipher: let a keyed check value travel with the picture, so that decryption can
   * refuse a wrong key. It tells a guesser whether a guess is right, as any such value does.
   */
  readonly check?: boolean
}

/** The secret's real size: degrees of freedom left when equivalent keys are counted once. */
export interface KeySpace {
  /** Upper bound on the equivalent key length in bits; 0 where no secret is needed, Infinity for a one-time pad. */
  readonly bits: number
  /** What limits it, in one sentence. */
  readonly note: string
}

/**
 * One image cipher: a published scheme, a baseline or a control.
 *
 * Implementations must not change their arguments, must throw a coded error rather than return a
 * guess, and must give equal results on every backend if `traits.exact` holds. A cipher without
 * authentication cannot notice a wrong key: it then returns noise.
 */
export interface ImageCipher {
  /** Short paper key, such as `flowcrypt-2025`; the name in the registry and on the command line. */
  readonly id: string
  readonly title: string
  readonly traits: CipherTraits
  readonly keySpace?: KeySpace
  /** Learned parameters, and multiply-accumulates to encrypt an image of this size. Absent where nothing is learned. */
  readonly cost?: (size: Pick<Image, 'width' | 'height' | 'channels'>) => {
    readonly parameters: number
    readonly macs: number
  }
  /** @param key 32 bytes unless the scheme's documentation says otherwise. @throws E_ARGUMENT */
  encrypt(plain: Image, key: Uint8Array, options?: CipherOptions): Promise<Image>
  /** @throws E_ARGUMENT; E_IMAGE for a cipher image this scheme cannot have made */
  decrypt(cipher: Image, key: Uint8Array, options?: CipherOptions): Promise<Image>
}

/** Gives a nonce to a cipher that would draw one, so that what it makes can be made again; nothing to any other. */
export const repeatably = ({ traits }: Pick<ImageCipher, 'traits'>, nonce: Uint8Array): CipherOptions =>
  traits.randomised ? { nonce } : {}
