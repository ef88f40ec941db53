import {
  aes256GcmOpen,
  aes256GcmSeal,
  concatBytes,
  deriveKey,
  GCM_TAG_BYTES,
  LatentError,
  randomBytes,
  zlibPack,
  zlibUnpack,
} from '@latent/core'

// What travels through a queue: its operator sees that there are messages, how long they are and when they came. They
// are sealed under a key that every member of the album derives, so that nobody else reads names, or makes up work.

const NONCE_BYTES = 12
/** Bytes of the largest message, unpacked. */
const MAX_MESSAGE = 16 * 1024 * 1024

/** What a message is: bound to it, so that none passes for another. */
export type MessageKind = 'batch' | 'outcome'

const messageKey = (albumKey: Uint8Array) => deriveKey(albumKey, 'latent/v1/vault/queue')
const boundTo = (kind: MessageKind, id: string) => new TextEncoder().encode(`${kind} ${id}`)

/** Seals a value of JSON for whoever has the album's key. @returns base64 */
export async function sealMessage(
  albumKey: Uint8Array,
  kind: MessageKind,
  id: string,
  value: unknown,
): Promise<string> {
  const nonce = randomBytes(NONCE_BYTES)
  const packed = zlibPack(new TextEncoder().encode(JSON.stringify(value)), 6)
  const sealed = await aes256GcmSeal(await messageKey(albumKey), nonce, packed, boundTo(kind, id))
  return Buffer.from(concatBytes(nonce, sealed)).toString('base64')
}

/** @throws E_QUEUE for what no member of the album sealed as this */
export async function openMessage(
  albumKey: Uint8Array,
  kind: MessageKind,
  id: string,
  message: unknown,
): Promise<unknown> {
  if (typeof message === 'string' && message.length < MAX_MESSAGE) {
    const bytes = new Uint8Array(Buffer.from(message, 'base64'))
    const [nonce, sealed] = [bytes.subarray(0, NONCE_BYTES), bytes.subarray(NONCE_BYTES)]
    const long = sealed.length >= GCM_TAG_BYTES
    const packed = long && (await aes256GcmOpen(await messageKey(albumKey), nonce, sealed, boundTo(kind, id)))
    if (packed) return JSON.parse(new TextDecoder().decode(zlibUnpack(packed, MAX_MESSAGE))) as unknown
  }
  throw new LatentError('E_QUEUE', 'the queue holds something that no member of the album put there', {
    hint: 'let nobody else write to this Redis; run the same latent vault add again',
  })
}
