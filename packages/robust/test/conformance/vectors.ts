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
}

export const FOLDER = new URL('pictures/', import.meta.url)
export const VECTORS = new URL('vectors.json', import.meta.url)

/** The pixel bytes of file `n`. */
export const pixelBytes = ({ width, height }: Geometry, n: number): Uint8Array =>
  Uint8Array.from({ length: 3 * width * height }, (_, i) => i * i + 31 * Math.floor(i / 256) + n)

export const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')

/** Two sealed files in two pictures and a spare one, and one in a picture of its own. */
export const SETS: Readonly<Record<string, { readonly geometries: readonly Geometry[]; readonly spare: number }>> = {
  two: {
    geometries: [
      { width: 60, height: 70 },
      { width: 30, height: 20 },
    ],
    spare: 0.5,
  },
  one: { geometries: [{ width: 33, height: 44 }], spare: 0 },
}

/** All parts of a set. */
export async function partsOf(name: string, wrong = false): Promise<PartTask[]> {
  const { geometries, spare } = SETS[name]!
  const directory = directoryOf(geometries)
  async function* bytes() {
    yield* leading(wrong ? directoryOf(geometries.map(({ width }) => ({ width, height: 1 }))) : directory)
    for (const [n, geometry] of geometries.entries()) yield pixelBytes(geometry, n)
    yield* trailing(directory)
  }
  const tasks: PartTask[] = []
  for await (const task of partTasks(bytes(), directory.size, { ...PRESETS['robust']!, side: 256, spare }))
    tasks.push(task)
  return tasks
}

/** The PNGs of the kit, by name: the same bytes each time. */
export async function carriers(): Promise<Map<string, Uint8Array>> {
  const found = new Map<string, Uint8Array>()
  for (const name of Object.keys(SETS))
    for (const [i, task] of (await partsOf(name)).entries()) found.set(`${name}-${i + 1}.png`, makePart(task))
  const [wrong] = await partsOf('one', true)
  found.set('directory.png', makePart(wrong!))
  return found
}
