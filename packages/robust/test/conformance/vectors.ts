import { createHash } from 'node:crypto'
import type { Geometry } from '@latent/vault'
import { directoryOf, leading, trailing } from '../../src/directory.ts'
import { makePart, partTasks, type PartTask } from '../../src/make.ts'
import { PRESETS } from '../../src/presets.ts'

/** One entry of `vectors.json`. */
export interface Vector {
  readonly name: string
  readonly comment: string
  readonly pictures: readonly string[]
  readonly files: readonly (Geometry & { readonly sha256: string })[]
  readonly errors: readonly string[]
  /** The SHA-256 of the PNG that the library makes, where it is too large for the kit. */
  readonly made?: string
}

export const FOLDER = new URL('pictures/', import.meta.url)
export const VECTORS = new URL('vectors.json', import.meta.url)

/** The pixel bytes of file `n`. */
export const pixelBytes = ({ width, height }: Geometry, n: number): Uint8Array =>
  Uint8Array.from({ length: 3 * width * height }, (_, i) => i * i + 31 * Math.floor(i / 256) + n)

export const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')

interface PictureSet {
  readonly geometries: readonly Geometry[]
  readonly spare: number
  readonly preset: string
  readonly side: number
}

/** Two sealed files in two pictures and a spare one, and one in a picture of its own. */
export const SETS: Readonly<Record<string, PictureSet>> = {
  two: {
    geometries: [
      { width: 60, height: 70 },
      { width: 30, height: 20 },
    ],
    spare: 0.5,
    preset: 'robust',
    side: 256,
  },
  one: { geometries: [{ width: 33, height: 44 }], spare: 0, preset: 'robust', side: 256 },
}

/** One in a picture that may be made smaller, which is too large for the kit itself. */
const LARGE_SET: PictureSet = { geometries: [{ width: 33, height: 44 }], spare: 0, preset: 'robust:resize', side: 640 }

/** All parts of a set. */
async function partsOf({ geometries, spare, preset, side }: PictureSet, wrong = false): Promise<PartTask[]> {
  const directory = directoryOf(geometries)
  async function* bytes() {
    yield* leading(wrong ? directoryOf(geometries.map(({ width }) => ({ width, height: 1 }))) : directory)
    for (const [n, geometry] of geometries.entries()) yield pixelBytes(geometry, n)
    yield* trailing(directory)
  }
  const tasks: PartTask[] = []
  for await (const task of partTasks(bytes(), directory.size, { ...PRESETS[preset]!, side, spare })) tasks.push(task)
  return tasks
}

/** The PNGs of the kit, by name: the same bytes each time. */
export async function carriers(): Promise<Map<string, Uint8Array>> {
  const found = new Map<string, Uint8Array>()
  for (const [name, set] of Object.entries(SETS))
    for (const [i, task] of (await partsOf(set)).entries()) found.set(`${name}-${i + 1}.png`, makePart(task))
  const [wrong] = await partsOf(SETS['one']!, true)
  found.set('directory.png', makePart(wrong!))
  return found
}

/** The PNG that is too large for the kit. */
export async function largeCarrier(): Promise<Uint8Array> {
  const [part] = await partsOf(LARGE_SET)
  return makePart(part!)
}
