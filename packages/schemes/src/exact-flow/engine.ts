import { release, toHex } from '@latent/core'
import { constantWeights } from './constant-weights.ts'
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
}

/**
 * Opens the cipher in this thread.
 * @throws E_BACKEND if no compute backend starts
 */
export async function openExactFlow({ weights, loop, ablation, ...onnx }: ExactFlowOptions = {}): Promise<ExactFlow> {
  const chosen = weights ?? (await constantWeights())
  const rooms = loop ? plainRooms : await openRooms()
  if (ablation === 'stream-only')
    return { ...onNetworks(silentNetworks(chosen), rooms), weightsId: `none, ${ablation}` }
  const networks = loop ? loopNetworks(chosen) : await onnxNetworks(chosen, onnx)
  return ablation
    ? { ...onNetworks(networks, rooms, ablation), weightsId: `${chosen.id}, ${ablation}` }
    : onNetworks(networks, rooms)
}

function onNetworks(networks: RoundNetworks, rooms: Rooms, ablation?: Ablation): ExactFlow {
  const rounds = networks.weights.networks.length
  const schedules = new Map<string, KeySchedule>()
  let last: Promise<unknown> = Promise.resolve()

  // A sealed folder has one key a file: keep a few schedules, drop the oldest.
  async function scheduleFor(key: Uint8Array): Promise<KeySchedule> {
    const name = toHex(key)
    const schedule = schedules.get(name) ?? (await keySchedule(key, rounds))
    schedules.delete(name)
    schedules.set(name, schedule)
    if (schedules.size > 8) schedules.delete(schedules.keys().next().value!)
    return schedule
  }

  // Sessions must not run twice at once, and there is one room: tiles queue.
  function run(
    permute: typeof encryptTile,
    key: Uint8Array,
    tweak: Uint8Array,
    bytes: Uint8Array,
    given = false,
  ): Promise<Uint8Array> {
    const result = last.then(async () => {
      const made = await permute({ networks, schedule: await scheduleFor(key), rooms, ablation }, tweak, bytes)
      if (given) release(bytes)
      return made
    })
    last = result.catch(() => undefined)
    return result
  }

  return {
    weightsId: networks.weights.id,
    backend: networks.backend,
    lanes: 1,
    encrypt: (key, tweak, bytes, given) => run(encryptTile, key, tweak, bytes, given),
    decrypt: (key, tweak, bytes, given) => run(decryptTile, key, tweak, bytes, given),
    async close() {
      await last
      schedules.clear()
      await networks.close()
    },
  }
}
