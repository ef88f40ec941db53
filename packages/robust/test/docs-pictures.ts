// Makes the pictures of docs/robust-carrier.md: node packages/robust/test/docs-pictures.ts
import { collect, createAlbum, prepareSeal, readCarrier, streamOf } from '@latent/vault'
import { LatentError } from '@latent/core'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import sharp from 'sharp'
import { directoryOf, leading, makePart, partTasks, PRESETS, trailing } from '../src/index.ts'

const pictures = new URL('../../../docs/pictures/', import.meta.url)
export const FOLDER = new URL('robust/', pictures)
/** It protects nothing. */
export const PASSPHRASE = 'the lake of the docs'

export const noFlows = (): Promise<never> => Promise.reject(new LatentError('E_UNSUPPORTED', 'no flow is needed here'))

if (import.meta.main) {
  mkdirSync(FOLDER, { recursive: true })
  const photo = await sharp(readFileSync(new URL('plain/lake.png', pictures)))
    .resize(320)
    .jpeg({ quality: 80 })
    .toBuffer()
  const album = await createAlbum({ passphrase: PASSPHRASE, workFactor: 10 })
  const metadata = { name: 'lake.jpg', type: 'image/jpeg', size: photo.length, modified: 1_600_000_000_000 }
  const sealing = await prepareSeal({ album, metadata, flows: noFlows, body: { type: 'aes-256-gcm' } })
  const { geometry, pixels } = await readCarrier(sealing.png(streamOf(photo)))
  const directory = directoryOf([geometry])
  const carried = await collect(pixels)
  async function* bytes() {
    yield* leading(directory)
    yield carried
    yield* trailing(directory)
  }
  for await (const task of partTasks(bytes(), directory.size, PRESETS['robust:harsh']!)) {
    const png = makePart(task)
    const grey = await sharp(png).toColourspace('b-w').png({ compressionLevel: 9 }).toBuffer()
    writeFileSync(new URL('lake.carrier.png', FOLDER), grey)
    writeFileSync(
      new URL('lake.q50.jpg', FOLDER),
      await sharp(png).toColourspace('srgb').jpeg({ quality: 50 }).toBuffer(),
    )
  }
  writeFileSync(new URL('lake.jpg', FOLDER), photo)
}
