import { KERNEL } from './kernel-module.ts'
import { POSITIONS, ROW_BYTES } from './network.ts'
import { KERNEL as RELAXED_KERNEL } from './relaxed-kernel-module.ts'
import { measuresOf, otherOf, type Rooms, roomSizes } from './room.ts'
import { MAP_CHANNELS } from './weights.ts'

/** What `kernel/flow.ts` and `kernel/relaxed.ts` export; every argument but counts is an address. */
export interface KernelExports {
  split(tile: number, bits: number, pairs: number, x: number, y: number): void
  merge(tile: number, bits: number, pairs: number, x: number, y: number): void
  join(half: number, map: number, input: number, positions: number, block: number): void
  add(target: number, output: number, whitening: number, length: number): void
  subtract(target: number, output: number, whitening: number, length: number): void
  pointwise(
    input: number,
    places: number,
    table: number,
    layers: number,
    scratch: number,
    most: number,
    output: number,
  ): void
}

const PAGE = 65536
/** The kernel's own tables lie below. */
const FIRST_ADDRESS = 2048
/** It reads and writes 16 bytes at once, of which the last may lie behind an array. */
const SLACK = 16
const ALIGNMENT = 64

/** A WebAssembly kernel and the memory that it works in. */
export interface Kernel {
  readonly run: KernelExports
  readonly memory: WebAssembly.Memory
  /** Whether its networks read their weights as `kernel/relaxed.ts` does. */
  readonly relaxed: boolean
  /** Takes memory for good: everything that tiles use lies behind it. */
  reserve(bytes: number): number
  /** Where tiles begin. */
  readonly end: number
}

/**
 * The kernel with relaxed SIMD where the engine has it, or else the one without; both give the same bytes.
 * @returns `undefined` where none runs: no SIMD, or not allowed
 */
export const openKernel = async (): Promise<Kernel | undefined> =>
  (await openKernelOf('relaxed')) ?? (await openKernelOf('plain'))

/** @returns `undefined` where it does not run */
export async function openKernelOf(kind: 'relaxed' | 'plain'): Promise<Kernel | undefined> {
  try {
    const memory = new WebAssembly.Memory({ initial: 1 })
    const module = { relaxed: RELAXED_KERNEL, plain: KERNEL }[kind]
    const { instance } = await WebAssembly.instantiate(
      Uint8Array.from(atob(module), character => character.charCodeAt(0)),
      { env: { memory } },
    )
    let end = FIRST_ADDRESS
    return {
      run: instance.exports as unknown as KernelExports,
      memory,
      relaxed: kind === 'relaxed',
      reserve(bytes) {
        const start = end
        end = behind(start, bytes)
        reach(memory, end)
        return start
      },
      get end() {
        return end
      },
    }
  } catch {
    return undefined
  }
}

/** The first address behind an array at which another may begin. */
const behind = (start: number, bytes: number): number => Math.ceil((start + bytes + SLACK) / ALIGNMENT) * ALIGNMENT

function reach(memory: WebAssembly.Memory, end: number): void {
  if (end > memory.buffer.byteLength) memory.grow(Math.ceil((end - memory.buffer.byteLength) / PAGE))
}

/** Rooms in the memory of a kernel. */
export function kernelRooms({ run: kernel, memory, end: first }: Kernel): Rooms {
  return length => {
    const measures = measuresOf(length)
    const { pairs, xLength, yLength, rows } = measures
    const sizes = roomSizes(length, measures)
    let end = first
    const at = Object.fromEntries(
      Object.entries(sizes).map(([name, size]) => {
        const start = end
        end = behind(start, size)
        return [name, start]
      }),
    ) as Record<keyof typeof sizes, number>
    reach(memory, end)
    const view = (start: number, size: number) => new Uint8Array(memory.buffer, start, size)
    const lengths = { x: xLength, y: yLength }
    // An earlier tile was here: what is no half is zero again.
    for (const half of ['x', 'y'] as const) view(at[half], sizes[half]).fill(0, lengths[half])
    const tile = view(at.tile, length)
    const x = view(at.x, xLength)

    // X may have a row more than Y.
    const combine = (name: 'add' | 'subtract') => (target: 'x' | 'y', firstRow: number, count: number) => {
      const start = firstRow * ROW_BYTES
      kernel[name](
        at[target] + start,
        at.output,
        at.stream + start,
        Math.max(0, Math.min(lengths[target] - start, count * ROW_BYTES)),
      )
    }

    return {
      tile,
      x,
      y: view(at.y, yLength),
      bits: view(at.bits, sizes.bits),
      stream: view(at.stream, sizes.stream),
      input: view(at.input, sizes.input),
      output: view(at.output, sizes.output),
      rows,
      split() {
        kernel.split(at.tile, at.bits, pairs, at.x, at.y)
        x.set(tile.subarray(2 * yLength), yLength)
      },
      merge() {
        kernel.merge(at.tile, at.bits, pairs, at.x, at.y)
        tile.set(x.subarray(yLength), 2 * yLength)
      },
      join(source, firstRow, count, block) {
        const first = firstRow * POSITIONS
        const map = at.stream + lengths[otherOf(source)] + first * MAP_CHANNELS
        kernel.join(at[source] + firstRow * ROW_BYTES, map, at.input, count * POSITIONS, block)
      },
      add: combine('add'),
      subtract: combine('subtract'),
    }
  }
}
