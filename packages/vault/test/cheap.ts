import { concatBytes, sha256Of } from '@latent/core'
import {
  type Album,
  collect,
  type FlowProvider,
  Keyring,
  openSealed,
  prepareSeal,
  type SealOptions,
  streamOf,
} from '../src/index.ts'

/** What the format needs, without the cost of age and of the learned cipher: for tests that many runs repeat. */
export const text = (value: string): Uint8Array => new TextEncoder().encode(value)

/** Bytes that repeat late and differ everywhere near. */
export const pattern = (length: number): Uint8Array =>
  Uint8Array.from({ length }, (_, i) => (i * 167 + (i >>> 8) * 29 + 5) & 255)

export const album: Album = { key: sha256Of(text('album')), envelope: text('an envelope that nobody unwraps') }
export const keyring = (): Keyring => new Keyring().remember(album)

export const WEIGHTS = 'ab'.repeat(32)

/** Stands in for the exact flow: adds a hash of key and tweak to every byte, and keeps what it was asked. */
export function fakeFlow(weightsId = WEIGHTS, lanes = 2): { flows: FlowProvider; tweaks: string[] } {
  const tweaks: string[] = []
  const shift = (key: Uint8Array, tweak: Uint8Array, bytes: Uint8Array, sign: number) => {
    const by = sha256Of(concatBytes(key, tweak))
    return bytes.map((byte, i) => byte + sign * by[i % 32]!)
  }
  const flow = {
    weightsId,
    backend: 'none',
    lanes,
    encrypt: async (key: Uint8Array, tweak: Uint8Array, bytes: Uint8Array) => {
      tweaks.push(Buffer.from(tweak).toString('hex'))
      return shift(key, tweak, bytes, 1)
    },
    decrypt: async (key: Uint8Array, tweak: Uint8Array, bytes: Uint8Array) => shift(key, tweak, bytes, -1),
    close: async () => undefined,
  }
  return { flows: async () => flow, tweaks }
}

export const noFlows: FlowProvider = async () => Promise.reject(new Error('no flow was to be opened'))

export const BODIES: readonly (readonly [string, SealOptions['body']])[] = [
  ['aes-256-gcm', { type: 'aes-256-gcm' }],
  ['exact-flow+aes-256-gcm', { type: 'exact-flow+aes-256-gcm', weights: WEIGHTS }],
]

export async function sealBytes(bytes: Uint8Array, options: Partial<SealOptions> = {}): Promise<Uint8Array> {
  const metadata = { name: 'photo.jpg', type: 'image/jpeg', size: bytes.length, modified: 1_700_000_000_000 }
  const sealing = await prepareSeal({
    album,
    metadata,
    flows: fakeFlow().flows,
    body: { type: 'aes-256-gcm' },
    nonce: sha256Of(text('nonce')),
    ...options,
  })
  return collect(sealing.png(streamOf(bytes, 1000)))
}

export async function openBytes(png: Uint8Array, part = 1000): Promise<Uint8Array> {
  return collect((await openSealed(streamOf(png, part), keyring(), fakeFlow().flows)).bytes)
}
