import { KeyStream, sha256Of } from '@latent/core'
import { openExactFlow, openFlows, sealingWeights } from '@latent/schemes/exact-flow'
import {
  type Album,
  createAlbum,
  type FlowProvider,
  Keyring,
  openSealed,
  prepareSeal,
  type SealOptions,
  collect,
  streamOf,
} from '../src/index.ts'

export const text = (value: string): Uint8Array => new TextEncoder().encode(value)

/** Fixed noise: the same for one label. */
export async function noise(length: number, label: string): Promise<Uint8Array> {
  return (await KeyStream.create(sha256Of(text('vault tests')), 'latent/v1/test/noise', text(label))).bytes(length)
}

/** An album that anyone with the keyring opens, without the cost of age. */
export async function testAlbum(): Promise<{ album: Album; keyring: () => Keyring }> {
  const { envelope } = await createAlbum({ passphrase: 'tests', workFactor: 1 })
  const album = { key: sha256Of(text('album')), envelope }
  return { album, keyring: () => new Keyring().remember(album) }
}

export const flows: FlowProvider = openFlows(weights => openExactFlow({ threads: 1, weights })).flows

export const BODIES: Readonly<Record<string, SealOptions['body']>> = {
  'exact-flow+aes-256-gcm': { type: 'exact-flow+aes-256-gcm', weights: (await sealingWeights()).id },
  'aes-256-gcm': { type: 'aes-256-gcm' },
}

export async function sealBytes(
  bytes: Uint8Array,
  album: Album,
  options: Partial<SealOptions> = {},
): Promise<Uint8Array> {
  const metadata = { name: 'photo.jpg', type: 'image/jpeg', size: bytes.length, modified: 1_700_000_000_000 }
  const sealing = await prepareSeal({ album, metadata, flows, body: { type: 'aes-256-gcm' }, ...options })
  return collect(sealing.png(streamOf(bytes, 10_000)))
}

export async function openBytes(png: Uint8Array, keyring: Keyring, part = 10_000): Promise<Uint8Array> {
  const { bytes } = await openSealed(streamOf(png, part), keyring, flows)
  return collect(bytes)
}

/** File offsets of the pixel bytes of a small carrier (one stored block): behind 49 bytes, without filter bytes. */
export function pixelOffsets(width: number, height: number): number[] {
  return Array.from({ length: width * height * 3 }, (_, i) => 49 + i + Math.floor(i / (width * 3)))
}
