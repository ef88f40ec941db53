import { LatentError, randomBytes } from '@latent/core'
import { decodeKeyText, linesOf } from './text.ts'

/**
 * The form in which a passphrase seals: composed (NFC). What looks the same on the screen is then the same
 * passphrase, whichever keyboard or system it was typed on.
 * @throws E_KEY if it is empty, or no text that a person could type again
 */
export function sealingPassphrase(passphrase: string): string {
  if (passphrase === '')
    throw new LatentError('E_KEY', 'the passphrase is empty', { hint: 'choose one of several words' })
  if (passphrase.includes('\ufffd'))
    throw new LatentError(
      'E_KEY',
      'the passphrase holds U+FFFD, which programs write in place of what they cannot read',
      { hint: 'it was read in a wrong encoding once; write it again as UTF-8' },
    )
  if (!passphrase.isWellFormed())
    throw new LatentError('E_KEY', 'the passphrase holds half of a character (a lone surrogate)', {
      hint: 'write it again as UTF-8',
    })
  // eslint-disable-next-line no-control-regex
  if (/[\u0000-\u001f\u007f]/.test(passphrase))
    throw new LatentError('E_KEY', 'the passphrase holds control characters, which nobody can type again', {
      hint: 'choose one without',
    })
  return passphrase.normalize('NFC')
}

/** Words of a drawn passphrase, as `age -p` draws one: 110 bits. */
export const PASSPHRASE_WORDS = 10

/** Words drawn at random from the 2,048 of BIP-39, joined by hyphens. */
export async function drawPassphrase(): Promise<string> {
  const { wordlist } = await import('@scure/bip39/wordlists/english.js')
  const bytes = randomBytes(2 * PASSPHRASE_WORDS)
  // 2,048 words: eleven bits of each pair, so that none is likelier than another.
  return Array.from(
    { length: PASSPHRASE_WORDS },
    (_, i) => wordlist[((bytes[2 * i]! << 8) | bytes[2 * i + 1]!) & 2047]!,
  ).join('-')
}

/** The forms in which a passphrase is tried: as it was given, then composed and decomposed. Mostly one. */
export const openingForms = (passphrase: string): string[] => [
  ...new Set([passphrase, passphrase.normalize('NFC'), passphrase.normalize('NFD')]),
]

/** What a passphrase file holds. */
export interface PassphraseFile {
  /** The first line, without its end. Absent if the file is no text: `problem` then says why. */
  readonly passphrase?: string
  readonly problem?: LatentError
  /**
   * What release 0.1.0 made of the same bytes, where that is something else: it replaced bytes that are no
   * UTF-8 by U+FFFD, kept a byte order mark, and knew no UTF-16. For opening what it sealed.
   */
  readonly former?: string
  /** There is more than the first line. */
  readonly more: boolean
}

/** @param what names the file in messages */
export function parsePassphraseFile(bytes: Uint8Array, what: string): PassphraseFile {
  const former = new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes).split(/\r?\n/, 1)[0]!
  try {
    const [passphrase = '', ...rest] = linesOf(decodeKeyText(bytes, what))
    const more = rest.some(line => line !== '')
    if (passphrase === '')
      return {
        problem: new LatentError('E_KEY', `${what} holds no passphrase: its first line is empty`, {
          hint: 'write the passphrase into its first line',
        }),
        more,
      }
    return { passphrase, more, ...(former === '' || openingForms(passphrase).includes(former) ? {} : { former }) }
  } catch (problem) {
    if (!(problem instanceof LatentError)) throw problem
    return { problem, more: false, ...(former === '' ? {} : { former }) }
  }
}

/** What to say where a passphrase opened nothing, if it has something that is easily overlooked. */
export function overlooked(passphrases: readonly string[]): string | undefined {
  if (passphrases.some(text => /^\s|\s$/.test(text)))
    return 'the passphrase that was given begins or ends with a space, and spaces count'
  return undefined
}
