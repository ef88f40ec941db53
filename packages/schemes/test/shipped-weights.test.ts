import { sha256Of, toHex } from '@latent/core'
import { readdir, readFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { modelFile } from '../src/models/file-node.ts'
import { loadModel, type ModelCard, weightsFile } from '../src/models/index.ts'
import { weightsOf } from '../src/models/model.ts'

const MODELS = new URL('../../../models/', import.meta.url)
const cards = await Promise.all(
  (await readdir(MODELS))
    .filter(name => name.endsWith('.json'))
    .map(async name => JSON.parse(await readFile(new URL(name, MODELS), 'utf8')) as ModelCard),
)
const refusal = expect.objectContaining({ name: 'LatentError', code: 'E_WEIGHTS' })

/** The folder `models` with some files replaced. */
const served = (files: Readonly<Record<string, Uint8Array>>) => async (name: string) =>
  files[name] ?? (await modelFile(name))
const flipped = (bytes: Uint8Array, at: number) => bytes.map((byte, i) => (i === at ? byte ^ 1 : byte))

test('every card is that of its file', async () => {
  expect(cards.length).toBeGreaterThan(10)
  for (const card of cards) {
    const { id, sha256, bytes, storage } = card
    const file = storage === 'i8' ? await modelFile(`${id}.weights`) : await weightsOf(card)
    expect({ id, sha256: toHex(sha256Of(file)), bytes: file.length }).toEqual({ id, sha256, bytes })
  }
})

test.each(cards.filter(({ storage }) => storage !== 'i8').map(card => [card.id, card] as const))(
  '%s: one bit of its last number altered, and it is refused',
  async (id, card) => {
    const { scheme, profile, sha256 } = card
    const bytes = await weightsOf(card)
    expect((await loadModel(id, { scheme, profile })).sha256).toBe(sha256)
    await expect(
      loadModel(id, { scheme, profile }, served({ [weightsFile(card)]: flipped(bytes, bytes.length - 2) })),
    ).rejects.toThrow(refusal)
  },
)
