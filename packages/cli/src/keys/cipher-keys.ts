import { argumentError, fromHex, LatentError } from '@latent/core'
import { decodeKeyLines, decodeKeyText, linesOf } from '@latent/vault'
import { isUtf8 } from 'node:buffer'
import { readKeyInput, warnIfExposed } from './input.ts'
import { type Warn, warnings } from './warnings.ts'

const KEY_BYTES = 32

/** What a pixel-mode key is read for. */
export interface CipherKeyOptions {
  /** A key that was never drawn at random is refused for new pictures; old ones open with it as ever. */
  readonly encrypting?: boolean
  /** Warnings too become lines of JSON. */
  readonly json?: boolean | undefined
}

/**
 * A pixel-mode key: 64 hexadecimal digits, the JSON text of a scheme that has key files of its own, or 32 raw
 * bytes that look drawn at random. A file says nowhere that it is a raw key: a short note or a cut-off picture
 * of that size is none.
 */
export async function readCipherKey(
  path: string,
  { encrypting = false, json }: CipherKeyOptions = {},
): Promise<Uint8Array> {
  const warn = warnings(json)
  const input = await readKeyInput(path)
  const { name, bytes } = input
  warnIfExposed(input, warn)
  if (bytes.length === KEY_BYTES) return rawKey(bytes, name, encrypting, warn)
  const text = decodeKeyLines(bytes).trim()
  if (text.startsWith('{')) return new TextEncoder().encode(decodeKeyText(bytes, name).trim())
  return hexadecimalKey(text, name, warn)
}

function rawKey(bytes: Uint8Array, name: string, encrypting: boolean, warn: Warn): Uint8Array {
  const doubt = notRandom(bytes)
  if (doubt === undefined) return bytes
  const message = `${name} has the size of a raw key, but ${doubt}`
  const hint = 'latent keygen --cipher -o FILE makes a key'
  if (encrypting)
    throw new LatentError('E_KEY', message, {
      hint: `${hint}; if it is one all the same, write its 64 hexadecimal digits into a file`,
    })
  warn({ code: 'W_KEY_NOT_RANDOM', message, hint })
  return bytes
}

/** 64 digits are written by nobody who does not mean a key, so what they say is taken. */
function hexadecimalKey(text: string, name: string, warn: Warn): Uint8Array {
  const lines = linesOf(text)
    .map(line => line.trim())
    .filter(line => line !== '' && !line.startsWith('#'))
  const [line] = lines
  if (line === undefined || !/^[0-9a-f]{64}$/i.test(line))
    throw new LatentError('E_KEY', `${name} does not hold a cipher key`, {
      hint: isIdentity(line)
        ? 'that is an age identity, for seal and open; latent keygen --cipher -o FILE makes a cipher key'
        : 'latent keygen --cipher -o FILE makes one: 64 hexadecimal digits',
    })
  if (lines.length > 1)
    throw new LatentError('E_KEY', `${name} holds more than one key`, { hint: 'give a file with one' })
  const key = fromHex(line.toLowerCase())
  const doubt = notRandom(key)
  if (doubt !== undefined)
    warn({
      code: 'W_KEY_NOT_RANDOM',
      message: `the key in ${name} can be guessed: ${doubt}`,
      hint: 'latent keygen --cipher -o FILE makes a key',
    })
  return key
}

const isIdentity = (line = '') => /^AGE-/i.test(line)

/** A key drawn at random fails each of these once in some hundred million times, or less often. */
const FEWEST_DIFFERENT = 20
const MOST_EQUAL = 6
const MOST_PRINTABLE = 27

function notRandom(bytes: Uint8Array): string | undefined {
  if (bytes.every(byte => byte === 0)) return 'it is all zeros'
  if (bytes.filter(byte => byte >= 0x20 && byte < 0x7f).length > MOST_PRINTABLE || isUtf8(bytes)) return 'it is text'
  const counts = new Map<number, number>()
  for (const byte of bytes) counts.set(byte, (counts.get(byte) ?? 0) + 1)
  if (counts.size < FEWEST_DIFFERENT || Math.max(...counts.values()) > MOST_EQUAL) return 'its bytes repeat themselves'
  return undefined
}

/** The value of `--nonce`: 1 to 64 bytes. @throws E_ARGUMENT */
export function parseNonce(text: string | undefined): Uint8Array | undefined {
  if (text === undefined) return undefined
  if (!/^([0-9a-f]{2}){1,64}$/i.test(text)) throw argumentError('--nonce', 'at most 64 bytes in hexadecimal', text)
  return fromHex(text.toLowerCase())
}
