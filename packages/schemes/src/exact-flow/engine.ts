import { release, toHex } from '@latent/core'
import { constantWeights } from './constant-weights.ts'
import { gathered } from './gathered.ts'
import { loopNetworks, type RoundNetworks, silentNetworks } from './network.ts'
import { type OnnxOptions, onnxNetworks } from './onnx.ts'
import { openRooms } from './kernel.ts'
import { plainRooms, type Rooms } from './room.ts'
import { type Ablation, decryptTile, encryptTile, type KeySchedule, keySchedule } from './tile.ts'
import type { Weights } from './weights.ts'

/** The tile permutation, ready to run: what pixel mode and sealed files are built on. */
export interface ExactFlow {
  readonly weightsId: string
  /** Such as `ort-node int8`. */
  readonly backend: string
  /** How many tiles it works on at once; callers keep a few more than that in flight. */
  readonly lanes: number
  /**
   * @param key 32 bytes @param tweak public, any length
   * @param bytes 32 bytes or more; not changed
   * @param given says that nobody needs `bytes` any more: their memory goes on to where they are worked on, and the
   *   array is empty afterwards
   */
  encrypt(key: Uint8Array, tweak: Uint8Array, bytes: Uint8Array, given?: boolean): Promise<Uint8Array>
  decrypt(key: Uint8Array, tweak: Uint8Array, bytes: Uint8Array, given?: boolean): Promise<Uint8Array>
  close(): Promise<void>
}

/** Which weights compute the flow, and how. */
export interface ExactFlowOptions extends OnnxOptions {
  /** Default: {@link constantWeights}, for good: cipher images of pixel mode do not say what they were made with. */
  readonly weights?: Weights
  /** `loop` avoids ONNX Runtime and the kernel altogether: slow, and the same bytes. */
  readonly loop?: boolean
  /**
   * Leaves a part out, to measure what the other does. Its `weightsId` is then the name of no weights,
   * so that no sealed file can be made with it. `stream-only`: t = 0, key streams alone.
   */
  readonly ablation?: Ablation | 'stream-only'
  /** Works on several tiles side by side, whose rows go through the networks together: for many small ones. */
  readonly together?: Together
}

/** How tiles are worked on side by side. */
export interface Together {
  /** How many: each has its own memory. */
  readonly tiles: number
  /** Waits until whoever is about to ask for a tile has asked. */
  readonly turn: () => Promise<unknown>
}

/**
 * Opens the cipher in this thread.
 * @throws E_BACKEND if no compute backend starts
 */
export async function openExactFlow({
  weights,
  loop,
  ablation,
  together,
  ...onnx
}: ExactFlowOptions = {}): Promise<ExactFlow> {
  const chosen = weights ?? (await constantWeights())
  const rooms = await Promise.all(
    Array.from({ length: together?.tiles ?? 1 }, async () => (loop ? plainRooms : openRooms())),
  )
  if (ablation === 'stream-only')
    return { ...onNetworks(silentNetworks(chosen), rooms), weightsId: `none, ${ablation}` }
  const alone = loop ? loopNetworks(chosen) : await onnxNetworks(chosen, onnx)
  const networks = together ? gathered(alone, together.turn) : alone
  return ablation
    ? { ...onNetworks(networks, rooms, ablation), weightsId: `${chosen.id}, ${ablation}` }
    : onNetworks(networks, rooms)
}

/** @param rooms one for each tile that may be worked on at once: networks that must not run twice at once have one */
function onNetworks(networks: RoundNetworks, rooms: readonly Rooms[], ablation?: Ablation): ExactFlow {
  const rounds = networks.weights.networks.length
  const schedules = new Map<string, KeySchedule>()
  const free = rooms.toReversed()
  const waiting: ((rooms: Rooms) => void)[] = []
  const underWay = new Set<Promise<unknown>>()

  // A sealed folder has one key a file: keep a few schedules, drop the oldest. Each direction has its own: who opens
  // what was just made, to see whether it was made well, must not be given what it was made with.
  async function scheduleFor(key: Uint8Array, direction: string): Promise<KeySchedule> {
    const name = direction + toHex(key)
    const schedule = schedules.get(name) ?? (await keySchedule(key, rounds))
    schedules.delete(name)
    schedules.set(name, schedule)
    if (schedules.size > 8 * rooms.length) schedules.delete(schedules.keys().next().value!)
    return schedule
  }

  /** Tiles come to their turn in order. */
  async function inRoom<T>(work: (rooms: Rooms) => Promise<T>): Promise<T> {
    const room = free.pop() ?? (await new Promise<Rooms>(resolve => void waiting.push(resolve)))
    try {
      return await work(room)
    } finally {
      const next = waiting.shift()
      if (next) next(room)
      else free.push(room)
    }
  }

  function run(
    direction: 'encrypt' | 'decrypt',
    key: Uint8Array,
    tweak: Uint8Array,
    bytes: Uint8Array,
    given = false,
  ): Promise<Uint8Array> {
    const result = inRoom(async rooms => {
      const means = { networks, schedule: await scheduleFor(key, direction), rooms, ablation }
      const made = await (direction === 'encrypt' ? encryptTile : decryptTile)(means, tweak, bytes)
      if (given) release(bytes)
      return made
    })
    const settled: Promise<void> = result.catch(() => undefined).then(() => void underWay.delete(settled))
    underWay.add(settled)
    return result
  }

  return {
    weightsId: networks.weights.id,
    backend: networks.backend,
    lanes: rooms.length,
    encrypt: (key, tweak, bytes, given) => run('encrypt', key, tweak, bytes, given),
    decrypt: (key, tweak, bytes, given) => run('decrypt', key, tweak, bytes, given),
    async close() {
      await Promise.all(underWay)
      schedules.clear()
      await networks.close()
    },
  }
}
