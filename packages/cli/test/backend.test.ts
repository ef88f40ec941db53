import { encodePng } from '@latent/core/png'
import { compile, ops, shape, tensor } from '@latent/graph'
import type { Expr } from '@latent/graph'
import { drawPicture } from '@latent/data'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { decodePng } from '@latent/core/png'
import { latentHere } from './command.ts'

let root: string
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'latent-backend-'))
  await writeFile(join(root, 'key'), `${'07'.repeat(32)}\n`, { mode: 0o600 })
  await writeFile(join(root, 'plain.png'), encodePng(await drawPicture('street', 48, 40)))
})
afterAll(() => rm(root, { recursive: true, force: true }))

const latent = (args: readonly string[]) => latentHere(args, { cwd: root })

describe('LATENT_BACKEND', () => {
  afterEach(() => delete process.env['LATENT_BACKEND'])
  const doubled = (options = {}) => compile(({ x }: { x: Expr }) => ops.mul(x, 2), { x: shape([2]) }, options)

  test.each([
    ['wasm', 'ort-wasm'],
    ['cpu', 'ort-node'],
  ])('%s: compiled networks run there', async (name, backend) => {
    process.env['LATENT_BACKEND'] = name
    const compiled = await doubled()
    expect(compiled.backend).toBe(backend)
    const { output } = await compiled.run({ x: tensor('f32', [2], Float32Array.of(1, -3)) })
    expect([...output!.data]).toEqual([2, -6])
    await compiled.close()
  })

  test('a caller who names a backend gets it', async () => {
    process.env['LATENT_BACKEND'] = 'wasm'
    const compiled = await doubled({ backend: 'ort-node' })
    expect(compiled.backend).toBe('ort-node')
    await compiled.close()
  })

  test.each(['gpu', 'constructor', 'WEBGPU', 'ort-node'])('another name is refused: %s', async name => {
    process.env['LATENT_BACKEND'] = name
    await expect(doubled()).rejects.toMatchObject({
      code: 'E_ARGUMENT',
      message: expect.stringContaining('LATENT_BACKEND'),
    })
  })
})

describe('encrypt and decrypt', { timeout: 120_000 }, () => {
  const scheme = ['--scheme', 'encipher-gan-2023-keyed', '--key-file', 'key']

  test('--backend wasm gives what the processor gives, to a level', async () => {
    const common = [...scheme, '--nonce', '0102030405060708090a0b0c0d0e0f10']
    expect(await latent(['encrypt', 'plain.png', 'cpu.png', ...common])).toMatchObject({ code: 0 })
    expect(await latent(['encrypt', 'plain.png', 'wasm.png', ...common, '--backend', 'wasm'])).toMatchObject({
      code: 0,
    })
    const [a, b] = await Promise.all(
      ['cpu.png', 'wasm.png'].map(async file => decodePng(new Uint8Array(await readFile(join(root, file))))),
    )
    expect(Math.max(...Array.from(a!.data, (value, i) => Math.abs(value - b!.data[i]!)))).toBeLessThanOrEqual(1)
    expect(await latent(['decrypt', 'wasm.png', 'back.png', ...scheme, '--backend', 'cpu'])).toMatchObject({ code: 0 })
  })

  test('an unknown backend is refused, one that is not there is named, and nothing is written', async () => {
    expect(await latent(['encrypt', 'plain.png', 'none.png', ...scheme, '--backend', 'cuda'])).toMatchObject({
      code: 2,
      err: expect.stringContaining('webgpu'),
    })
    const { code, err } = await latent(['encrypt', 'plain.png', 'gpu.png', ...scheme, '--backend', 'webgpu'])
    // With an adapter it works; without one it says so.
    expect(code === 0 || /E_BACKEND[\s\S]*ort-webgpu/.test(err)).toBe(true)
    await expect(readFile(join(root, 'none.png'))).rejects.toMatchObject({ code: 'ENOENT' })
  })
})
