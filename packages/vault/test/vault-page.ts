import { type Image, platform } from '@latent/core'
import { decodePng, encodePng } from '@latent/core/png'
import { openExactFlow, openFlows, sealingWeights } from '@latent/schemes/exact-flow'
import {
  collect,
  createAlbum,
  Keyring,
  type Keys,
  type Lock,
  type Metadata,
  openSealed,
  prepareSeal,
  streamOf,
} from '../src/index.ts'

// Runs in a browser, called by browser.test.ts.

export const primitives = (): string => platform

export async function open(png: Uint8Array, keys: Keys): Promise<{ metadata: Metadata; bytes: Uint8Array }> {
  const opened = await openSealed(streamOf(png, 10_000), new Keyring(keys), flows)
  return { metadata: opened.metadata, bytes: await collect(opened.bytes) }
}

export async function seal(bytes: Uint8Array, metadata: Metadata, lock: Lock): Promise<Uint8Array> {
  const album = await createAlbum(lock)
  const body = { type: 'exact-flow+aes-256-gcm', weights: (await sealingWeights()).id } as const
  const sealing = await prepareSeal({ album, metadata, flows, body })
  return collect(sealing.png(streamOf(bytes, 10_000)))
}

export function recode(png: Uint8Array): { image: Image; png: Uint8Array } {
  const image = decodePng(png)
  return { image, png: encodePng(image) }
}

const { flows } = openFlows(weights => openExactFlow({ weights }))
