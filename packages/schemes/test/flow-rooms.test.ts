import { KeyStream, sha256Of, toHex } from '@latent/core'
import fc from 'fast-check'
import { readFile } from 'node:fs/promises'
import { beforeAll, describe, expect, test, vi } from 'vitest'
import { KERNEL_SOURCE_SHA256 } from '../src/exact-flow/kernel-module.ts'
import { KERNEL_SOURCE_SHA256 as RELAXED_SOURCE_SHA256 } from '../src/exact-flow/relaxed-kernel-module.ts'
import { kernelRooms as roomsOf, openKernel } from '../src/exact-flow/kernel.ts'
import { POSITIONS } from '../src/exact-flow/network.ts'
import { otherOf, plainRooms, type Room, type Rooms } from '../src/exact-flow/room.ts'

let kernelRooms: Rooms
let noise: Uint8Array
beforeAll(async () => {
  kernelRooms = roomsOf((await openKernel())!)
  noise = await (
    await KeyStream.create(sha256Of(Uint8Array.of(1)), 'latent/v1/test/rooms', new Uint8Array(0))
  ).bytes(400_000)
})

const ARRAYS = ['tile', 'x', 'y', 'bits', 'stream', 'input', 'output'] as const

/** Both rooms with the same contents. */
function both(length: number, seed: number): [Room, Room] {
  const rooms: [Room, Room] = [plainRooms(length), kernelRooms(length)]
  for (const room of rooms)
    for (const [i, name] of ARRAYS.entries()) {
      const at = (seed * 977 + i * 13_001) % 100_000
      room[name].set(noise.subarray(at, at + room[name].length))
    }
  return rooms
}
/** By name: large arrays are compared slowly, their hashes at once. */
const copies = (room: Room) => Object.fromEntries(ARRAYS.map(name => [name, toHex(sha256Of(room[name]))]))

test.each([
  ['flow.ts', KERNEL_SOURCE_SHA256],
  ['relaxed.ts', RELAXED_SOURCE_SHA256],
])('a kernel is what its source was compiled to: %s', async (name, compiled) => {
  const source = await readFile(new URL(`../kernel/${name}`, import.meta.url))
  expect(toHex(sha256Of(source))).toBe(compiled)
  expect(kernelRooms).not.toBe(plainRooms)
})

test('where relaxed SIMD does not run, the plain kernel does', async () => {
  expect(await openKernel()).toMatchObject({ relaxed: true })
  const refused = vi.spyOn(WebAssembly, 'instantiate').mockRejectedValueOnce(new WebAssembly.CompileError('relaxed'))
  expect(await openKernel()).toMatchObject({ relaxed: false })
  refused.mockRejectedValue(new WebAssembly.CompileError('SIMD'))
  expect(await openKernel()).toBeUndefined()
  refused.mockRestore()
})

describe('the kernel does what plain JavaScript does', () => {
  test.each(['split', 'merge'] as const)('%s, at every length', step => {
    for (const length of [...Array.from({ length: 100 }, (_, i) => 32 + i), 3071, 3072, 3073, 50_001]) {
      const [plain, kernel] = both(length, length)
      plain[step]()
      kernel[step]()
      expect(copies(kernel)).toEqual(copies(plain))
    }
  })

  test('merge is the inverse of split', () => {
    for (const length of [32, 41, 1000, 3073]) {
      const room = kernelRooms(length)
      room.tile.set(noise.subarray(0, length))
      room.bits.set(noise.subarray(5, 5 + room.bits.length))
      room.split()
      room.tile.fill(0)
      room.merge()
      expect(room.tile).toEqual(noise.subarray(0, length))
    }
  })

  test.each([1, 2, 4, 8])('join, with blocks of %i', block => {
    for (const length of [32, 3073, 4000, 6200])
      for (const source of ['x', 'y'] as const) {
        const [plain, kernel] = both(length, block)
        for (let row = 0; row < plain.rows; row++) {
          plain.join(source, row, 1, block)
          kernel.join(source, row, 1, block)
          expect(copies(kernel)).toEqual(copies(plain))
        }
      }
    const [plain, kernel] = both(200_000, 3)
    plain.join('y', 3, 20, block)
    kernel.join('y', 3, 20, block)
    expect(copies(kernel)).toEqual(copies(plain))
    expect(plain.input.subarray(0, 12 * block)).toEqual(
      plain.y.subarray(3 * POSITIONS * 12, 3 * POSITIONS * 12 + 12 * block),
    )
  })

  test('add and subtract where X has a row that Y has not', () => {
    for (const length of [3067, 3068, 3069, 3070, 3071, 3072, 3073])
      for (const half of ['x', 'y'] as const) {
        const [plain, kernel] = both(length, length)
        for (const room of [plain, kernel])
          for (let row = 0; row < room.rows; row++)
            for (const step of ['add', 'add', 'subtract'] as const) room[step](half, row, 1)
        expect(copies(kernel)).toEqual(copies(plain))
      }
  })

  test('add and subtract, whole rows and the last bytes', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 32, max: 20_000 }),
        fc.constantFrom('x', 'y'),
        fc.nat(100),
        (length, half, seed) => {
          const [plain, kernel] = both(length, seed)
          const before = copies(kernel)
          for (const step of ['add', 'subtract'] as const) {
            for (const room of [plain, kernel])
              for (let row = 0; row < room.rows; row += 2) room[step](half, row, Math.min(2, room.rows - row))
            expect(copies(kernel)).toEqual(copies(plain))
          }
          expect(copies(kernel)).toEqual(before)
          kernel.add(half, 0, 1)
          expect(copies(kernel)[otherOf(half)]).toBe(before[otherOf(half)])
        },
      ),
      { numRuns: 30 },
    )
  })

  test('what an earlier tile left does not reach the networks', () => {
    both(40_000, 9)
    const [plain, kernel] = [plainRooms(100), kernelRooms(100)]
    for (const room of [plain, kernel]) {
      room.x.fill(7)
      room.stream.set(noise.subarray(0, room.stream.length))
      room.join('x', 0, 1, 4)
    }
    expect(kernel.input.subarray(0, POSITIONS * 16)).toEqual(plain.input.subarray(0, POSITIONS * 16))
  })
})
