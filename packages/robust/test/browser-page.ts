// Runs in a browser, called by browser.test.ts and `npm run bench -- robust browser`.
import { concatBytes, type LatentError, sha256Of, toHex } from '@latent/core'
import { collectPictures } from '../src/collect.ts'
import { modeOf } from '../src/channel/modes.ts'
import { Draws } from '../src/draws.ts'
import { makePart } from '../src/make.ts'
import { pictureBytes } from '../src/picture.ts'
import { readPicture } from '../src/read.ts'
import { showsCarrier } from '../src/recognise.ts'
import { webDecoder } from '../src/web/index.ts'

/** What some pictures hold, as the conformance kit tells it. */
export async function collected(pictures: { name: string; bytes: Uint8Array }[]) {
  const { files, errors } = await collectPictures(pictures, webDecoder())
  const restored = await Promise.all(
    files.map(async file => {
      const parts: Uint8Array[] = []
      for await (const part of file.pixels()) parts.push(part)
      return { ...file.geometry, sha256: toHex(sha256Of(concatBytes(...parts))) }
    }),
  )
  return { files: restored, errors: errors.map(({ error }) => error.code) }
}

/** Decodes a picture, with a limit of pixels. @returns its size and pixels, or the code of what is wrong */
export async function decoded(bytes: Uint8Array, pixels: number) {
  try {
    return await webDecoder()(bytes, { pixels })
  } catch (error) {
    return (error as LatentError).code
  }
}

/** Whether a picture shows that it is a carrier. */
export const recognised = (bytes: Uint8Array) => showsCarrier(new Blob([bytes.slice()]), webDecoder())

const BLOCKS = { wide: 128, high: 128 }

/** A part of drawn bytes, its PNG, and MB of payload a second that making it took. */
export function made(id = 2) {
  const mode = modeOf(id)
  const draws = new Draws(0x4252_4f57)
  const content = Uint8Array.from({ length: pictureBytes(BLOCKS, mode) }, () => draws.next() >>> 24)
  const about = { group: 0, groups: 1, size: content.length, data: 1, spare: 0, part: 0 }
  const started = performance.now()
  const png = makePart({ content, descriptor: { ...about, set: content.slice(0, 8) }, blocks: BLOCKS, mode: mode.id })
  return { png, speed: content.length / 1000 / (performance.now() - started) }
}

/** Reads a picture. @returns codewords that are there, and MB of payload a second */
export async function readBack(bytes: Uint8Array) {
  const started = performance.now()
  const { frames } = await readPicture(bytes)
  const there = frames.flatMap(frame => (frame ? [frame.content.length] : []))
  const size = there.reduce((sum, length) => sum + length, 0)
  return { frames: there.length, of: frames.length, speed: size / 1000 / (performance.now() - started) }
}
