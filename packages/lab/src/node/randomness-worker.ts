import { deriveKey, image, LatentError, sha256Of, repeatably } from '@latent/core'
import { drawPicture } from '@latent/data'
import type { OpenScheme } from '@latent/schemes'
import { readFileSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { byteView } from '../metrics/samples.ts'
import { openNamed, type SchemeName } from './own-scripts.ts'
import { type Bits, bitsOf, type PValues, sp80022 } from '../sp80022/index.ts'

/** One sequence: bits of a scheme's cipher under a key of its own, or of a file. */
export interface SequenceTask {
  readonly source:
    | (SchemeName & { readonly plain: 'black' | 'picture' })
    /** `ascii`: the bits are the letters 0 and 1, with white space between them. */
    | { readonly file: string; readonly ascii?: boolean }
  readonly index: number
  readonly bits: number
}

const ciphers = new Map<string, Promise<OpenScheme>>()

/** Tests one sequence on a thread of its own. */
export default async function testSequence({ source, index, bits }: SequenceTask): Promise<PValues> {
  if ('file' in source && source.ascii) return sp80022(asciiBits(source.file).slice(index * bits, (index + 1) * bits))
  const length = Math.ceil(bits / 8)
  const bytes =
    'file' in source
      ? await fileBytes(source.file, index * length, length)
      : await cipherBytes(source, source.plain, index, length)
  return sp80022(bitsOf(bytes, bits))
}

let read: { readonly path: string; readonly bits: Bits } | undefined

/**
 * The letters 0 and 1 of a file as bits; white space is passed over.
 * @throws E_DATA for any other letter
 */
export function asciiBits(path: string): Bits {
  if (read?.path === path) return read.bits
  const letters = readFileSync(path)
  const bits = new Uint8Array(letters.length)
  let n = 0
  for (const letter of letters) {
    if (letter === 48 || letter === 49) bits[n++] = letter - 48
    else if (!(letter === 32 || (letter >= 9 && letter <= 13)))
      throw new LatentError('E_DATA', `${path} holds more than the letters 0 and 1`, {
        hint: 'without --ascii it is read as bytes',
      })
  }
  read = { path, bits: bits.subarray(0, n) }
  return read.bits
}

async function cipherBytes(
  name: SchemeName,
  plain: 'black' | 'picture',
  index: number,
  length: number,
): Promise<Uint8Array> {
  const { scheme } = name
  let opened = ciphers.get(scheme)
  if (!opened) ciphers.set(scheme, (opened = openNamed(name)))
  const { cipher } = await opened
  const key = await deriveKey(sha256Of(new TextEncoder().encode(`${scheme}/${index}`)), 'latent/v1/lab/sequence')
  const side = Math.ceil(Math.sqrt(length / 3))
  const source =
    plain === 'black'
      ? image({ width: side, height: side, channels: 3, format: 'u8', data: new Uint8Array(3 * side * side) })
      : await drawPicture('landscape', side, side, index)
  const nonce = repeatably(cipher, key.subarray(0, 16))
  const bytes = byteView(await cipher.encrypt(source, key, nonce))
  if (bytes.length < length)
    throw new LatentError(
      'E_ARGUMENT',
      `a cipher image of ${scheme} has ${bytes.length} bytes, and a sequence takes ${length}`,
    )
  return bytes.subarray(0, length)
}

async function fileBytes(path: string, offset: number, length: number): Promise<Uint8Array> {
  const file = await open(path)
  try {
    const { bytesRead, buffer } = await file.read(new Uint8Array(length), 0, length, offset)
    if (bytesRead < length)
      throw new LatentError('E_DATA', `${path} ends before sequence ${Math.floor(offset / length) + 1}`)
    return buffer
  } finally {
    await file.close()
  }
}
