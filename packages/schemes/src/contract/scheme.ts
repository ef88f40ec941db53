import type { CipherTraits, Image, KeySpace, SampleFormat } from '@latent/core'
import type { ModelWanted } from '../models/model.ts'

/**
 * What part a scheme plays. `published` runs as its paper has it, as far as that is known; `repaired` has the smallest
 * change that mends a stated fault; `variant` is our own version of somebody's scheme; `ablation` leaves a part of
 * ours out; `control` behaves in a way that is known beforehand. `reconstructed` is built from a description that
 * leaves parts open: its {@link Description.derivation} says of every constant whether it is the source's or ours. What
 * takes no more than its idea from a paper is a `variant`.
 */
export type Role =
  'ours' | 'ablation' | 'published' | 'reconstructed' | 'repaired' | 'variant' | 'learnable' | 'baseline' | 'control'

/** One constant or choice of a scheme, and where it comes from. */
export interface Constant {
  readonly name: string
  readonly value: string
  /** `source`: stated in public material on the system; `inferred` from it; `ours` where nothing is known. */
  readonly standing: 'source' | 'inferred' | 'ours'
}

/** The publication that a scheme comes from. */
export interface Paper {
  readonly authors: string
  readonly title: string
  readonly year: number
  /** Journal, conference or archive number. */
  readonly where: string
}

/** Which plain images a scheme takes. */
export interface Accepts {
  readonly formats: readonly SampleFormat[]
  /** Numbers of channels; 1 to 4 unless said otherwise. */
  readonly channels?: readonly number[]
  /** Of both sides, in pixels. */
  readonly sides?: { readonly minimum?: number; readonly maximum?: number; readonly multiple?: number }
  /** The least number of bytes of samples. */
  readonly bytes?: number
}

/**
 * `32 bytes`; `bytes`: of any length but none; `32 bytes or file`: or the text of a key file that the scheme reads
 * itself. Every scheme takes a key, also one that makes no use of it: `secret` says so.
 */
export type KeyKind = '32 bytes' | 'bytes' | '32 bytes or file'

/**
 * Whether and how encryptions under one key are told apart. `optional`: all zero or empty where none is given; `fresh`:
 * drawn where none is given. One of another length than `bytes` is hashed (SHA-256) to it, or enters as it is where
 * `bytes` only says how many are drawn.
 */
export type NonceRule =
  | { readonly use: 'none' }
  | { readonly use: 'optional' | 'fresh'; readonly bytes: number; readonly others: 'hashed' | 'as they are' }

/** The longest nonce that is taken. */
export const MAX_NONCE_BYTES = 64

/** All that can be said of a scheme without loading its code or its weights. */
export interface Description {
  /** Short paper key, such as `flowcrypt-2025`; the name in the registry and on the command line. */
  readonly id: string
  readonly title: string
  readonly role: Role
  readonly paper?: Paper
  readonly accepts: Accepts
  /**
   * Formats in which the cipher image may be asked for, the usual one first; `as plain`: it has the plain image's shape
   * and format.
   */
  readonly wire: 'as plain' | readonly SampleFormat[]
  readonly key: KeyKind
  readonly nonce: NonceRule
  /** `decrypt(encrypt(x))` equals `x` to the last bit. */
  readonly exact: boolean
  /** Something decrypts its images. Otherwise `decrypt` refuses. */
  readonly reversible: boolean
  /** A keyed check value may travel with the image, so that a wrong key is refused. */
  readonly checkable: boolean
  /** Where the secret lies. `none` marks controls and public transforms. */
  readonly secret: CipherTraits['secret']
  /** Meant to leave enough structure that a network can be trained on cipher images. */
  readonly learnable: boolean
  /** Bytes of samples that are mixed with each other, where larger images are cut: a change stays in its tile. */
  readonly tileBytes?: number
  readonly keySpace?: KeySpace
  /** Every constant and choice of it, with where it comes from; what the comparison pages print. */
  readonly derivation?: readonly Constant[]
  /** The weights that it computes with, where it has any that can be replaced. */
  readonly weights?: ModelWanted
}

/** One entry of the registry. */
export interface Scheme extends Description {
  /** Brings in the scheme's code and opens its backend. @throws E_WEIGHTS, E_BACKEND */
  load(options?: LoadOptions): Promise<Transform>
}

/** What opening a scheme takes. */
export interface LoadOptions {
  /** A weight file to use instead of the weights that come with Latent; see `latent model add`. */
  readonly weights?: Uint8Array
}

/** Dimensions and format of a picture without its samples. */
export type Shape = Pick<Image, 'width' | 'height' | 'channels' | 'format'>

/** What a transform is given beside the image: checked, drawn and sized by {@link openScheme}. */
export interface Call {
  readonly key: Uint8Array
  readonly nonce: Uint8Array
  /** The format of the cipher image, one of the scheme's. */
  readonly wire: SampleFormat
}

/** A call of `decrypt`: what `encrypt` was given, and the shape of what comes back. */
export interface DecryptCall extends Call {
  /** The shape that the plain image had. */
  readonly plain: Shape
}

/**
 * What the author of a scheme writes. It may rely on what the description says: the image is of an accepted shape, the
 * key of its kind, the nonce of its length, the wire one of its formats.
 */
export interface Transform {
  /** Must not change its arguments. Annotations of the result travel beside those of the contract. */
  encrypt(plain: Image, call: Call): Promise<Image>
  /** Absent where nothing decrypts. @throws E_IMAGE for a cipher image that this scheme cannot have made */
  decrypt?(cipher: Image, call: DecryptCall): Promise<Image>
  /** Of the weights in use: what cipher images name them by. */
  readonly made?: { readonly profile: string; readonly sha256: string }
  /** Learned parameters, and multiply-accumulates to encrypt an image of this size. */
  cost?(size: Pick<Image, 'width' | 'height' | 'channels'>): { readonly parameters: number; readonly macs: number }
  close?(): Promise<void>
}

const USUAL = {
  role: 'variant',
  accepts: { formats: ['u8', 'u16'] },
  wire: 'as plain',
  key: '32 bytes',
  nonce: { use: 'none' },
  exact: true,
  reversible: true,
  checkable: false,
  secret: 'key',
  learnable: false,
} satisfies Partial<Description>

/** A description with the usual of a deterministic, exact cipher of samples under a 32-byte key filled in. */
export const describe = (facts: Pick<Description, 'id' | 'title'> & Partial<Description>): Description => ({
  ...USUAL,
  ...facts,
})

/** A scheme, as {@link describe} fills it in, with its code. The cipher of a stranger is written with this too. */
export const defineScheme = ({ load, ...facts }: Parameters<typeof describe>[0] & Pick<Scheme, 'load'>): Scheme => ({
  ...describe(facts),
  load,
})
