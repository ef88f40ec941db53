import { type CipherOptions, type Image, LatentError, randomBytes, sha256Of, toHex } from '@latent/core'
import {
  asPicture,
  byteView,
  bytesPerPixel,
  correlationTest,
  differential,
  histogram,
  neighbourPairs,
  shannonEntropy,
  toWire,
} from '@latent/lab'
import { findScheme, openScheme, type OpenScheme } from '@latent/schemes'
import { type Fault, outcome } from '../vault/fault.ts'

/** What the usual statistics say of one picture. */
export interface Figures {
  /** 256 counts. */
  readonly histogram: readonly number[]
  /** Bits a byte, 0 to 8. */
  readonly entropy: number
  /** Of horizontal neighbours, the mean over channels. */
  readonly correlation: number | undefined
  /** Some neighbours, left and right, as bytes. */
  readonly pairs: readonly { readonly x: number; readonly y: number }[]
}

/** One picture under one scheme, from every side. Pictures are 8-bit and of the plain shape, to be looked at. */
export interface Study {
  readonly plain: Image<'u8'>
  readonly cipher: Image<'u8'>
  readonly decrypted?: Image<'u8'>
  readonly wrong?: Image<'u8'>
  /** What decryption lost, eight times as bright. */
  readonly difference?: Image<'u8'>
  /** The largest difference of a byte, 0 where nothing was lost. */
  readonly largest?: number
  /** Why one of these is missing. */
  readonly faults: Readonly<Partial<Record<'decrypted' | 'wrong', Fault>>>
  readonly figures: { readonly plain: Figures; readonly cipher: Figures }
  /** The cipher image is bytes of the plain shape, so that it can be damaged where it is touched. */
  readonly touchable: boolean
  readonly milliseconds: number
}

/** How two cipher images differ whose pictures differ in one pixel. As shares of 1. */
export interface Reaction {
  readonly npcr: number
  readonly uaci: number
}

/** Pairs of neighbours that are shown. */
const PAIRS = 1500
const BRIGHTER = 8

/** One scheme, opened, and the picture that was last put through it. */
export class Explorer {
  #opened: { readonly name: string; readonly scheme: OpenScheme } | undefined
  #key = randomBytes(32)
  #options: CipherOptions = {}
  #plain: Image<'u8'> | undefined
  #cipher: Image | undefined

  /**
   * Puts a picture through a scheme under a key that is drawn for it.
   * @param weights of the user's own, in the place of those that are shipped
   * @throws E_WEIGHTS, E_IMAGE and other codes
   */
  async study(id: string, plain: Image<'u8'>, weights?: Uint8Array): Promise<Study> {
    const { cipher, scheme } = await this.#open(id, weights)
    this.#key = randomBytes(32)
    this.#options = {
      ...(scheme.nonce.use === 'none' ? {} : { nonce: randomBytes(16) }),
      ...(scheme.wire !== 'as plain' && scheme.wire.includes('u8') ? { wire: 'u8' as const } : {}),
    }
    const started = performance.now()
    const made = await cipher.encrypt(plain, this.#key, this.#options)
    const milliseconds = performance.now() - started
    this.#plain = plain
    this.#cipher = made
    const wrongKey = this.#key.with(31, this.#key[31]! ^ 1)
    const [decrypted, wrong] = [await this.#decrypted(made, this.#key), await this.#decrypted(made, wrongKey)]
    const back = 'value' in decrypted ? decrypted.value : undefined
    return {
      plain,
      cipher: asPicture(made, plain),
      ...(back ? { decrypted: back, ...lost(plain, back) } : {}),
      ...('value' in wrong ? { wrong: wrong.value } : {}),
      faults: {
        ...('fault' in decrypted ? { decrypted: decrypted.fault } : {}),
        ...('fault' in wrong ? { wrong: wrong.fault } : {}),
      },
      figures: { plain: figuresOf(plain), cipher: figuresOf(made) },
      touchable: sameForm(made, plain),
      milliseconds,
    }
  }

  /** Changes one pixel by its lowest bit and encrypts again, under the same key and nonce. */
  async react(x: number, y: number): Promise<Reaction> {
    const plain = this.#plain!
    const data = plain.data.slice()
    const at = (y * plain.width + x) * plain.channels
    for (let c = 0; c < plain.channels; c++) data[at + c]! ^= 1
    const other = await this.#opened!.scheme.cipher.encrypt({ ...plain, data }, this.#key, this.#options)
    const { npcr, uaci } = differential(byteView(this.#cipher!), byteView(other))
    return { npcr: npcr.value, uaci: uaci.value }
  }

  /** What comes back of a cipher image whose bytes were damaged. */
  async restore(damaged: Uint8Array): Promise<Image<'u8'>> {
    const cipher = this.#cipher as Image<'u8'>
    const back = await this.#decrypted({ ...cipher, data: damaged }, this.#key)
    if ('fault' in back)
      throw new LatentError(back.fault.code as LatentError['code'], back.fault.message, { hint: back.fault.hint })
    return back.value
  }

  async #decrypted(cipher: Image, key: Uint8Array) {
    const nonce = this.#options.nonce
    return outcome(async () => {
      const back = await this.#opened!.scheme.cipher.decrypt(cipher, key, nonce === undefined ? {} : { nonce })
      return asPicture(toWire(back, 'u8'), this.#plain!)
    })
  }

  async #open(id: string, weights: Uint8Array | undefined): Promise<OpenScheme> {
    const name = weights ? `${id} ${toHex(sha256Of(weights))}` : id
    if (this.#opened?.name === name) return this.#opened.scheme
    await this.#opened?.scheme.close()
    this.#opened = undefined
    const scheme = await openScheme(findScheme(id), weights ? { weights } : {})
    this.#opened = { name, scheme }
    return scheme
  }
}

const sameForm = (cipher: Image, plain: Image): boolean =>
  cipher.format === 'u8' &&
  cipher.width === plain.width &&
  cipher.height === plain.height &&
  cipher.channels === plain.channels

function lost(plain: Image<'u8'>, back: Image<'u8'>): Pick<Study, 'difference' | 'largest'> {
  const differences = plain.data.map((value, i) => Math.abs(value - back.data[i]!))
  return {
    difference: { ...plain, data: differences.map(value => Math.min(255, BRIGHTER * value)) },
    largest: differences.reduce((most, value) => Math.max(most, value), 0),
  }
}

function figuresOf(picture: Image): Figures {
  const [bytes, stride] = [byteView(picture), bytesPerPixel(picture)]
  const test = correlationTest(bytes, picture.width, picture.height, stride, 'horizontal')
  const pairs = neighbourPairs(bytes, picture.width, picture.height, stride, 'horizontal', PAIRS)
  return { histogram: Array.from(histogram(bytes)), entropy: shannonEntropy(bytes), correlation: test?.value, pairs }
}
