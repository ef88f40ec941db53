import { concatBytes } from '@latent/core'
import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { collectPictures } from '../../src/collect.ts'
import { sharpPixels } from '../../src/node/pixels.ts'
import { carriers, FOLDER, largeCarrier, sha256, type Vector, VECTORS } from './vectors.ts'

const vectors = JSON.parse(readFileSync(VECTORS, 'utf8')) as Vector[]
const read = (name: string) => new Uint8Array(readFileSync(new URL(name, FOLDER)))

describe('the conformance kit', () => {
  test.each(vectors.map(vector => [vector.name, vector] as const))('%s', async (_, { pictures, files, errors }) => {
    const found = await collectPictures(
      pictures.map(name => ({ name, bytes: read(name) })),
      sharpPixels,
    )
    expect(found.errors.map(({ error }) => error.code).toSorted()).toEqual(errors)
    const restored = await Promise.all(
      found.files.map(async file => {
        expect(file.whole).toBe(true)
        const parts: Uint8Array[] = []
        for await (const part of file.pixels()) parts.push(part)
        return { ...file.geometry, sha256: sha256(concatBytes(...parts)) }
      }),
    )
    const byHash = (a: { sha256: string }, b: { sha256: string }) => (a.sha256 < b.sha256 ? -1 : 1)
    expect(restored.toSorted(byHash)).toEqual([...files].toSorted(byHash))
  })

  test('holds carriers as the library makes them, and nothing that no vector names', async () => {
    for (const [name, bytes] of await carriers()) expect([name, sha256(read(name))]).toEqual([name, sha256(bytes)])
    const large = vectors.flatMap(({ made }) => made ?? [])
    expect(new Set(large)).toEqual(new Set([sha256(await largeCarrier())]))
    const named = new Set(vectors.flatMap(({ pictures }) => pictures))
    expect(readdirSync(FOLDER).filter(name => !named.has(name))).toEqual([])
  })
})
