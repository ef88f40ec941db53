import { LatentError } from '@latent/core'

/**
 * The text of a passphrase file, or of a key file that is read as a whole: UTF-8, or UTF-16 behind its byte order
 * mark, as Windows writes it.
 * Bytes that are neither are refused: replaced by U+FFFD, as decoders do if they are let, different secrets become one.
 * @param what names the file in the message; its content is never quoted
 * @throws E_KEY
 */
export function decodeKeyText(bytes: Uint8Array, what: string): string {
  const encoding = encodingOf(bytes)
  let text: string
  try {
    text = new TextDecoder(encoding, { fatal: true }).decode(bytes)
  } catch {
    throw new LatentError('E_KEY', `${what} is not text: its bytes are not ${encoding.toUpperCase()}`, {
      hint: 'save it as UTF-8; from Latin-1, for example: iconv -f ISO-8859-1 -t UTF-8 OLD > NEW',
    })
  }
  if (text.includes('\0'))
    throw new LatentError('E_KEY', `${what} is not text: it holds NUL characters`, {
      hint: 'if it is UTF-16 or UTF-32, save it as UTF-8',
    })
  return text
}

// The decoder takes the mark away, of whichever of the three it is.
function encodingOf([first, second]: Uint8Array): 'utf-8' | 'utf-16le' | 'utf-16be' {
  if (first === 0xff && second === 0xfe) return 'utf-16le'
  if (first === 0xfe && second === 0xff) return 'utf-16be'
  return 'utf-8'
}

/**
 * The text of a file of keys, one a line. A line that is no UTF-8 spoils itself alone (most often it is a comment):
 * its bytes become the characters of Latin-1, one each, and no key has those.
 */
export function decodeKeyLines(bytes: Uint8Array): string {
  try {
    return new TextDecoder(encodingOf(bytes), { fatal: true }).decode(bytes)
  } catch {
    return new TextDecoder('latin1').decode(bytes)
  }
}

/** Lines as editors of all systems end them. */
export const linesOf = (text: string): string[] => text.split(/\r\n|\n|\r/)
