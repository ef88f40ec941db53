import { release, toHex } from '@latent/core'
import { type Backend, chainOf, onFirst } from '@latent/graph/runtime'
import { constantWeights } from './constant-weights.ts'
import { gathered } from './gathered.ts'
import { type Kernel, kernelRooms, openKernel } from './kernel.ts'
import { loopNetworks, type RoundNetworks, silentNetworks } from './network.ts'
import { type OnnxOptions, onnxNetworks } from './onnx.ts'
import { pointwiseNetworks } from './pointwise.ts'
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

/** What computes the networks: a backend of ONNX Runtime, or our WebAssembly kernel, for what it can compute. */
export type FlowBackend = Backend | 'kernel'

/** Which weights compute the flow, and how. */
export interface ExactFlowOptions extends Omit<OnnxOptions, 'backend'> {
  /** Default: the native library if there is one, then the kernel, then ONNX Runtime in WebAssembly. */
  readonly backend?: FlowBackend | readonly FlowBackend[]
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

/** ONNX Runtime in WebAssembly takes several times as long as the kernel. */
const CHAIN: readonly FlowBackend[] = chainOf().flatMap(backend =>
  backend === 'ort-wasm' ? ['kernel', backend] : [backend],
)

/**
 * Opens the cipher in this thread.
 * @throws E_BACKEND if no compute backend starts
 */
export async function openExactFlow({
  weights,
  loop,
  ablation,
  together,
  ...options
}: ExactFlowOptions = {}): Promise<ExactFlow> {
  const chosen = weights ?? (await constantWeights())
  const tiles = Array.from({ length: together?.tiles ?? 1 })
  const kernels = loop ? [] : (await Promise.all(tiles.map(openKernel))).filter(kernel => kernel !== undefined)
  const networks = loop
    ? loopNetworks(chosen)
    : ablation === 'stream-only'
      ? silentNetworks(chosen)
      : await networksOf(chosen, kernels, { ...options, ...(together && { together }) })
  // Weights take their place in a kernel's memory before the first room does.
  const rooms = kernels.length > 0 ? kernels.map(kernelRooms) : tiles.map(() => plainRooms)
  if (ablation === undefined) return onNetworks(networks, rooms)
  if (ablation === 'stream-only') return { ...onNetworks(networks, rooms), weightsId: `none, ${ablation}` }
  return { ...onNetworks(networks, rooms, ablation), weightsId: `${chosen.id}, ${ablation}` }
}

/** @throws E_BACKEND */
function networksOf(
  weights: Weights,
  kernels: readonly Kernel[],
  { backend = CHAIN, together, ...options }: Omit<ExactFlowOptions, 'weights' | 'loop' | 'ablation'>,
): Promise<RoundNetworks> {
  return onFirst([backend].flat(), async candidate => {
    if (candidate !== 'kernel') {
      const onnx = await onnxNetworks(weights, { ...options, backend: candidate })
      return together ? gathered(onnx, together.turn) : onnx
    }
    if (kernels.length === 0) throw new Error('WebAssembly with SIMD does not run here')
    if (options.arithmetic === 'float') throw new Error('it computes with integers')
    // A run costs next to nothing beside its rows: there is nothing to gather.
    return pointwiseNetworks(kernels, weights)
  })
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
