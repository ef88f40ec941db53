import { LatentError } from '@latent/core'
import { readFileParts } from '@latent/core/node'
import { inspectSealed, looksSealed } from '@latent/vault'
import { discover, type Found } from '@latent/vault/node'
import { open } from 'node:fs/promises'
import { pictureFormat } from '../picture-format.ts'

/** The pictures that may be robust carriers, by the first bytes of every file. */
export async function findPictures(inputs: readonly string[], leaveOut: string): Promise<Found[]> {
  const { files } = await discover(inputs, leaveOut)
  const pictures: Found[] = []
  for (const file of files) if (await mayCarry(file.source)) pictures.push(file)
  return pictures
}

async function mayCarry(path: string): Promise<boolean> {
  try {
    const start = await firstBytes(path)
    const format = pictureFormat(start)
    if (format !== 'PNG') return format !== 'other' && format !== 'GIF'
    if (looksSealed(start)) return false
    // A PNG of noise that was packed anew is one still.
    await inspectSealed(readFileParts(path))
    return false
  } catch (error) {
    return error instanceof LatentError && error.code === 'E_REENCODED'
  }
}

async function firstBytes(path: string): Promise<Uint8Array> {
  const file = await open(path)
  try {
    const { buffer, bytesRead } = await file.read(new Uint8Array(128), 0, 128)
    return buffer.subarray(0, bytesRead)
  } finally {
    await file.close()
  }
}
