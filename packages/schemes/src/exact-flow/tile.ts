import { aes256CtrStream, argumentError, concatBytes, deriveKey, hmacSha256, release, u32 } from '@latent/core'
import { INPUT_ROW_BYTES, MAP_ROW_BYTES, PICTURE_ROWS, POSITIONS, ROW_BYTES, type RoundNetworks } from './network.ts'
import { MIN_TILE_BYTES } from './description.ts'

const UNIT = 3
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
  const roundKeys: Uint8Array[] = []
  for (let i = 0; i < rounds; i++) roundKeys.push(await deriveKey(key, `latent/v1/exact-flow/round/${i}`))
  return { roundKeys, splitKey: await deriveKey(key, 'latent/v1/exact-flow/split'), splitBits: new Uint8Array(0) }
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
export async function encryptTile(
  networks: RoundNetworks,
  schedule: KeySchedule,
  tweak: Uint8Array,
  bytes: Uint8Array,
  ablation?: Ablation,
): Promise<Uint8Array> {
  const halves = await split(schedule, bytes)
  for (let i = 0; i < schedule.roundKeys.length; i++)
    await applyRound({ networks, schedule, tweak, ablation }, i, halves, bytes.length, addBytes)
  const tile = concatBytes(halves.x.bytes, halves.y.bytes)
  releaseHalves(halves)
  return tile
}

/** The inverse of {@link encryptTile}. A wrong key or tweak gives noise: a permutation cannot notice. */
export async function decryptTile(
  networks: RoundNetworks,
  schedule: KeySchedule,
  tweak: Uint8Array,
  bytes: Uint8Array,
  ablation?: Ablation,
): Promise<Uint8Array> {
  const { xLength } = halfLengths(bytes.length)
  const halves = emptyHalves(bytes.length)
  halves.x.bytes.set(bytes.subarray(0, xLength))
  halves.y.bytes.set(bytes.subarray(xLength))
  for (let i = schedule.roundKeys.length - 1; i >= 0; i--)
    await applyRound({ networks, schedule, tweak, ablation }, i, halves, bytes.length, subtractBytes)
  const tile = await merge(schedule, halves, bytes.length)
  releaseHalves(halves)
  return tile
}

/** One half: its bytes are the front of a zero-padded buffer of whole network rows. */
interface Half {
  readonly bytes: Uint8Array
  readonly padded: Int32Array
}
interface Halves {
  readonly x: Half
  readonly y: Half
  readonly rows: number
}

/** Units go in pairs, one to each half; a last odd unit and odd bytes go to X. */
export function halfLengths(length: number): { xLength: number; yLength: number; pairs: number } {
  if (length < MIN_TILE_BYTES) throw argumentError('tile', `at least ${MIN_TILE_BYTES} bytes`, length)
  const pairs = Math.floor(length / (2 * UNIT))
  return { pairs, yLength: pairs * UNIT, xLength: length - pairs * UNIT }
}

function emptyHalves(length: number): Halves {
  const { xLength, yLength } = halfLengths(length)
  const rows = Math.ceil(xLength / ROW_BYTES)
  const half = (size: number): Half => {
    const padded = new Int32Array((rows * ROW_BYTES) / 4)
    return { padded, bytes: new Uint8Array(padded.buffer, 0, size) }
  }
  return { x: half(xLength), y: half(yLength), rows }
}

function releaseHalves({ x, y }: Halves): void {
  for (const half of [x, y]) release(new Uint8Array(half.padded.buffer))
}

async function splitBits(schedule: KeySchedule, pairs: number): Promise<Uint8Array> {
  const needed = Math.ceil(pairs / 8)
  if (schedule.splitBits.length < needed)
    schedule.splitBits = await aes256CtrStream(schedule.splitKey, ZERO_COUNTER, needed)
  return schedule.splitBits
}

/** Pair p sends its first unit to X if bit p (low bits first) is 0, else its second. */
async function split(schedule: KeySchedule, bytes: Uint8Array): Promise<Halves> {
  const { pairs } = halfLengths(bytes.length)
  const bits = await splitBits(schedule, pairs)
  const halves = emptyHalves(bytes.length)
  const [x, y] = [halves.x.bytes, halves.y.bytes]
  for (let p = 0, to = 0, from = 0; p < pairs; p++, to += UNIT, from += 2 * UNIT) {
    const swap = ((bits[p >>> 3]! >>> (p & 7)) & 1) * UNIT
    const toX = from + swap
    const toY = from + UNIT - swap
    x[to] = bytes[toX]!
    x[to + 1] = bytes[toX + 1]!
    x[to + 2] = bytes[toX + 2]!
    y[to] = bytes[toY]!
    y[to + 1] = bytes[toY + 1]!
    y[to + 2] = bytes[toY + 2]!
  }
  x.set(bytes.subarray(2 * UNIT * pairs), UNIT * pairs)
  return halves
}

async function merge(schedule: KeySchedule, halves: Halves, length: number): Promise<Uint8Array> {
  const { pairs } = halfLengths(length)
  const bits = await splitBits(schedule, pairs)
  const bytes = new Uint8Array(length)
  const [x, y] = [halves.x.bytes, halves.y.bytes]
  for (let p = 0, from = 0, to = 0; p < pairs; p++, from += UNIT, to += 2 * UNIT) {
    const swap = ((bits[p >>> 3]! >>> (p & 7)) & 1) * UNIT
    const ofX = to + swap
    const ofY = to + UNIT - swap
    bytes[ofX] = x[from]!
    bytes[ofX + 1] = x[from + 1]!
    bytes[ofX + 2] = x[from + 2]!
    bytes[ofY] = y[from]!
    bytes[ofY + 1] = y[from + 1]!
    bytes[ofY + 2] = y[from + 2]!
  }
  bytes.set(x.subarray(UNIT * pairs), 2 * UNIT * pairs)
  return bytes
}

type Combine = (target: Half, at: number, t: Uint8Array, whitening: Uint8Array) => void

interface Permutation {
  readonly networks: RoundNetworks
  readonly schedule: KeySchedule
  readonly tweak: Uint8Array
  readonly ablation: Ablation | undefined
}

async function applyRound(
  { networks, schedule, tweak, ablation }: Permutation,
  i: number,
  { x, y, rows }: Halves,
  length: number,
  combine: Combine,
): Promise<void> {
  const [target, source] = i % 2 === 0 ? [x, y] : [y, x]
  const hashed = ablation === 'network-fixed-map' ? new Uint8Array(0) : source.bytes
  const h = await hmacSha256(schedule.roundKeys[i]!, [
    u32(tweak.length),
    tweak,
    u32(i),
    u32(length),
    u32(hashed.length),
    hashed,
  ])
  const stream = await aes256CtrStream(h, ZERO_COUNTER, target.bytes.length + rows * MAP_ROW_BYTES)
  if (ablation?.startsWith('network')) stream.fill(0, 0, target.bytes.length)
  const map = words(stream.subarray(target.bytes.length))
  const input = new Uint8Array(Math.min(rows, PICTURE_ROWS) * INPUT_ROW_BYTES)
  for (let row = 0; row < rows; row += PICTURE_ROWS) {
    const pictureRows = Math.min(PICTURE_ROWS, rows - row)
    const picture = input.subarray(0, pictureRows * INPUT_ROW_BYTES)
    joinMap(source.padded, map, row * POSITIONS, networks.weights.block, picture)
    combine(target, row * ROW_BYTES, await networks.run(i, picture, pictureRows), stream)
  }
  release(stream)
}

/** Channels of each block, from position `first`: of each position three words of the half, then one of the map. */
function joinMap(half: Int32Array, map: Int32Array, first: number, block: number, picture: Uint8Array): void {
  const input = words(picture)
  for (let to = 0, from = first * 3, ofMap = first; to < input.length;) {
    for (const end = from + 3 * block; from < end;) input[to++] = half[from++]!
    for (const end = ofMap + block; ofMap < end;) input[to++] = map[ofMap++]!
  }
}

const words = (bytes: Uint8Array): Int32Array => {
  const aligned = bytes.byteOffset % 4 === 0 ? bytes : bytes.slice()
  return new Int32Array(aligned.buffer, aligned.byteOffset, aligned.length >>> 2)
}

// Four byte additions in one word: the low seven bits of each byte carry nothing into the next byte,
// and the top bits are added without carry by exclusive or.
const LOW = 0x7f7f7f7f
const TOP = 0x80808080

function addBytes({ bytes, padded }: Half, at: number, t: Uint8Array, whitening: Uint8Array): void {
  const end = Math.min(bytes.length, at + t.length)
  const [t32, w32] = [words(t), words(whitening)]
  for (let j = at >>> 2, k = 0; j < end >>> 2; j++, k++) {
    const a = padded[j]!
    const b = t32[k]!
    const sum = ((a & LOW) + (b & LOW)) ^ ((a ^ b) & TOP)
    const w = w32[j]!
    padded[j] = ((sum & LOW) + (w & LOW)) ^ ((sum ^ w) & TOP)
  }
  for (let j = Math.max(at, end & ~3); j < end; j++) bytes[j]! += t[j - at]! + whitening[j]!
}

function subtractBytes({ bytes, padded }: Half, at: number, t: Uint8Array, whitening: Uint8Array): void {
  const end = Math.min(bytes.length, at + t.length)
  const [t32, w32] = [words(t), words(whitening)]
  for (let j = at >>> 2, k = 0; j < end >>> 2; j++, k++) {
    const a = padded[j]!
    const b = t32[k]!
    const rest = ((a | TOP) - (b & LOW)) ^ ((a ^ ~b) & TOP)
    const w = w32[j]!
    padded[j] = ((rest | TOP) - (w & LOW)) ^ ((rest ^ ~w) & TOP)
  }
  for (let j = Math.max(at, end & ~3); j < end; j++) bytes[j]! -= t[j - at]! + whitening[j]!
}
