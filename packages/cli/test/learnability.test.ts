import { summariseLearning } from '@latent/studies/learnability'
import { findSettings } from '@latent/studies/classifiers'
import { spawn } from 'node:child_process'
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'

const MAIN = fileURLToPath(new URL('../bin/latent.js', import.meta.url))
let root: string
beforeAll(async () => void (root = await mkdtemp(join(tmpdir(), 'latent-cli-learnability-'))))
afterAll(() => rm(root, { recursive: true, force: true }))

function latent(...args: string[]): Promise<{ code: number | null; out: string; err: string }> {
  return new Promise(resolve => {
    const child = spawn(process.execPath, [MAIN, 'lab', ...args], {
      cwd: root,
      env: { ...process.env, LATENT_DATA: root },
    })
    let [out, err] = ['', '']
    child.stdout.on('data', (data: Buffer) => (out += data.toString()))
    child.stderr.on('data', (data: Buffer) => (err += data.toString()))
    child.on('close', code => resolve({ code, out, err }))
  })
}

test('unknown and missing sets are refused, and nothing is written', async () => {
  const asked = (data: string) => latent('learnability', '--data', data, '--out', 'run')
  expect(await asked('imagenet')).toMatchObject({
    code: 2,
    out: '',
    err: expect.stringContaining('known sets: cifar10, mnist, fashion-mnist'),
  })
  expect(await asked('mnist')).toMatchObject({
    code: 1,
    out: '',
    err: expect.stringContaining('latent data fetch mnist'),
  })
  expect(await latent('learnability-page', 'run', '--out', 'page')).toMatchObject({
    code: 1,
    err: expect.stringContaining('E_DATA'),
  })
  expect(await readdir(root)).toEqual([])
})

test('one page over finished comparisons', async () => {
  const row = (variant: string, correct: number) => ({
    variant,
    title: variant,
    seed: 1,
    correct,
    images: 1000,
    steps: 9,
    seconds: 60,
    unchanged: 0.5,
    curve: [{ step: 9, loss: 1, accuracy: correct / 1000 }],
  })
  for (const data of ['mnist', 'cifar10'] as const) {
    const summary = summariseLearning(
      {
        version: 1,
        data,
        preset: 'two-core',
        settings: findSettings('two-core', data),
        parameters: 5,
        train: 50_000,
        test: 1000,
        testClasses: Array.from({ length: 10 }, () => 100),
        limited: false,
      },
      'm',
      [row('plain', 985), row('aes', 99)],
      ['plain', 'aes'],
    )
    await mkdir(join(root, data))
    await writeFile(join(root, data, 'summary.json'), JSON.stringify(summary))
  }
  expect(await latent('learnability-page', 'mnist', 'cifar10', '--out', 'page')).toEqual({
    code: 0,
    out: `${join('page', 'learnability.md')}\n`,
    err: '',
  })
  const page = await readFile(join(root, 'page', 'learnability.md'), 'utf8')
  expect(page).toContain('## CIFAR-10: accuracy')
  expect(page).toContain(
    '`latent lab learnability --data mnist --variants plain,aes --seeds 1 --out runs/learn-mnist; latent lab ' +
      'learnability --data cifar10 --variants plain,aes --seeds 1 --out runs/learn-cifar10; latent lab ' +
      'learnability-page runs/learn-mnist runs/learn-cifar10 --out page`',
  )
  expect((await readdir(join(root, 'page'))).sort()).toEqual([
    'cifar10-curves.svg',
    'learnability.md',
    'mnist-curves.svg',
  ])
})
