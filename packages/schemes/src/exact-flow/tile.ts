import { aes256CtrStream, argumentError, bytesToFill, concatBytes, deriveKeys, hmacSha256, u32 } from '@latent/core'
import { INPUT_ROW_BYTES, MAP_ROW_BYTES, ROW_BYTES, type RoundNetworks, rowsAtOnce } from './network.ts'
import { otherOf, plainRooms, type Room, type Rooms } from './room.ts'

const ZERO_COUNTER = new Uint8Array(16)

/**
 * A part of the cipher left out, for research: nothing that seals can ask for it.
 *
 * - `network-only`: no whitening. The secret map is as ever, so that it still depends on the whole source.
 * - `network-fixed-map`: no whitening, and a map that depends on key, tweak and round alone. What one
 *   changed byte then alters, it alters through the network.
 */
export type Ablation = 'network-only' | 'network-fixed-map'

/** What one 32-byte key turns into: independent round keys and the bits of the random split. */
export interface KeySchedule {
  readonly roundKeys: readonly Uint8Array[]
  readonly splitKey: Uint8Array
  splitBits: Uint8Array
}

/** The keys of a flow: one a round, and that of the splits. @param key 32 bytes @throws E_ARGUMENT */
export async function keySchedule(key: Uint8Array, rounds: number): Promise<KeySchedule> {
  if (key.length !== 32) throw argumentError('key', '32 bytes', key)
  const [splitKey, ...roundKeys] = await deriveKeys(key, [
    'latent/v1/exact-flow/split',
    ...Array.from({ length: rounds }, (_, i) => `latent/v1/exact-flow/round/${i}` as const),
  ])
  return { roundKeys, splitKey, splitBits: new Uint8Array(0) }
}

/** What tiles are permuted with. */
export interface TileMeans {
  readonly networks: RoundNetworks
  readonly schedule: KeySchedule
  /** Default: plain JavaScript. Tiles that share rooms follow one another. */
  readonly rooms?: Rooms
  readonly ablation?: Ablation | undefined
}

/**
 * One tile of the exact flow: a keyed, tweaked permutation of the strings of `bytes.length` bytes.
 *
 * ```
 * tile -> split by key bits -> X, Y
 * round i (even: X from Y; odd: Y from X):
 *   h = HMAC-SHA-256(k_i, tweak || i || length || source)
 *   W || K = AES-256-CTR(h)                      whitening and secret map, never overlapping
 *   target += Net_i(source, K) + W               mod 256, byte by byte
 * X || Y
 * ```
 *
 * [Note: What the proof rests on] W is a fresh pseudo-random string, independent of K, for every
 * distinct source, so Net_i(source, K) + W is a pseudo-random function of the source whatever the
 * network computes, and four alternating rounds of such functions with independent keys are a strong
 * pseudo-random permutation (Luby and Rackoff 1988). The distinguishing advantage after q tiles is
 * about q^2 / 2^(8 |Y|) beyond that of HMAC-SHA-256 and AES-256-CTR. The network can add confusion;
 * it cannot take security away, and the proof gives it no credit.
 *
 * @param tweak separates tiles and uses under one key; may be public; equal inputs under an equal
 *   tweak give equal outputs, and nothing else is revealed
 * @throws E_ARGUMENT for tiles below 32 bytes
 */
export async function encryptTile(means: TileMeans, tweak: Uint8Array, bytes: Uint8Array): Promise<Uint8Array> {
  const room = await openRoom(means, bytes.length)
  room.tile.set(bytes)
  room.split()
  for (let i = 0; i < means.schedule.roundKeys.length; i++) await applyRound(means, room, i, tweak, 'add')
  const made = bytesToFill(bytes.length)
  made.set(room.x)
  made.set(room.y, room.x.length)
  return made
}

/** The inverse of {@link encryptTile}. A wrong key or tweak gives noise: a permutation cannot notice. */
export async function decryptTile(means: TileMeans, tweak: Uint8Array, bytes: Uint8Array): Promise<Uint8Array> {
  const room = await openRoom(means, bytes.length)
  room.x.set(bytes.subarray(0, room.x.length))
  room.y.set(bytes.subarray(room.x.length))
  for (let i = means.schedule.roundKeys.length - 1; i >= 0; i--) await applyRound(means, room, i, tweak, 'subtract')
  room.merge()
  const made = bytesToFill(bytes.length)
  made.set(room.tile)
  return made
}

async function openRoom({ rooms = plainRooms, schedule }: TileMeans, length: number): Promise<Room> {
  const room = rooms(length)
  const needed = room.bits.length
  if (schedule.splitBits.length < needed)
    schedule.splitBits = await aes256CtrStream(schedule.splitKey, ZERO_COUNTER, needed)
  room.bits.set(schedule.splitBits.subarray(0, needed))
  return room
}

async function applyRound(
  { networks, schedule, ablation }: TileMeans,
  room: Room,
  i: number,
  tweak: Uint8Array,
  combine: 'add' | 'subtract',
): Promise<void> {
  const target = i % 2 === 0 ? 'x' : 'y'
  const source = otherOf(target)
  const hashed = ablation === 'network-fixed-map' ? new Uint8Array(0) : room[source]
  const head = concatBytes(u32(tweak.length), tweak, u32(i, room.tile.length, hashed.length))
  const h = await hmacSha256(schedule.roundKeys[i]!, [head, hashed])
  await aes256CtrStream(h, ZERO_COUNTER, room[target].length + room.rows * MAP_ROW_BYTES, room.stream)
  if (ablation?.startsWith('network')) room.stream.fill(0, 0, room[target].length)
  const most = rowsAtOnce(networks.weights)
  for (let row = 0; row < room.rows; row += most) {
    const rows = Math.min(most, room.rows - row)
    room.join(source, row, rows, networks.weights.block)
    await networks.run(
      i,
      room.input.subarray(0, rows * INPUT_ROW_BYTES),
      rows,
      room.output.subarray(0, rows * ROW_BYTES),
    )
    room[combine](target, row, rows)
  }
}
