import { deriveKey, image, LatentError, sha256Of, repeatably } from '@latent/core'
import { drawPicture } from '@latent/data'
import type { OpenScheme } from '@latent/schemes'
import { open } from 'node:fs/promises'
import { byteView } from '../metrics/samples.ts'
import { openNamed, type SchemeName } from './own-scripts.ts'
import { bitsOf, type PValues, sp80022 } from '../sp80022/index.ts'

/** One sequence: bits of a scheme's cipher under a key of its own, or of a file. */
export interface SequenceTask {
  readonly source: (SchemeName & { readonly plain: 'black' | 'picture' }) | { readonly file: string }
  readonly index: number
  readonly bits: number
}

const ciphers = new Map<string, Promise<OpenScheme>>()

export default async function testSequence({ source, index, bits }: SequenceTask): Promise<PValues> {
  const length = Math.ceil(bits / 8)
  const bytes =
    'file' in source
      ? await fileBytes(source.file, index * length, length)
      : await cipherBytes(source, source.plain, index, length)
  return sp80022(bitsOf(bytes, bits))
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
