import { summariseLearning } from '@latent/studies/learnability'
import { findSettings } from '@latent/studies/classifiers'
import * as studies from '@latent/studies/node'
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { latentHere } from './command.ts'

// As it is, but where a test looks at what it is given.
vi.mock('@latent/studies/node', async original => {
  const module = await original<typeof studies>()
  return { ...module, learnability: vi.fn(module.learnability) }
})

let root: string
beforeAll(async () => void (root = await mkdtemp(join(tmpdir(), 'latent-cli-learnability-'))))
afterAll(() => rm(root, { recursive: true, force: true }))

const latent = (...args: string[]) => latentHere(['lab', ...args], { cwd: root, env: { LATENT_DATA: root } })

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

test.each([
  [['--arms', 'plain, le', '--recipe', 'paper'], ['plain', 'le'], 'paper'],
  [['--variants', 'plain,aes', '--preset', 'paper'], ['plain', 'aes'], 'paper'],
  [['--variants', 'aes', '--arms', 'le', '--preset', 'two-core', '--recipe', 'paper'], ['aes'], 'two-core'],
  [[], undefined, undefined],
])('the options of releases to 0.2 mean what they did, and those of today win: %o', async (args, variants, preset) => {
  const stopped = new Error('stopped')
  const called = vi.mocked(studies.learnability).mockRejectedValueOnce(stopped)
  await latent('learnability', '--data', 'mnist', '--out', 'run', ...args)
  expect(called.mock.lastCall![0].preset).toBe(preset)
  expect(called.mock.lastCall![0].variants).toEqual(variants)
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
  const folders = {
    mnist: ['mnist', 'two-core'],
    cifar10: ['cifar10', 'two-core'],
    long: ['cifar10', 'hours'],
  } as const
  for (const [folder, [data, preset]] of Object.entries(folders)) {
    const summary = summariseLearning(
      {
        version: 1,
        data,
        preset,
        settings: findSettings(preset, data),
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
    await mkdir(join(root, folder))
    await writeFile(join(root, folder, 'summary.json'), JSON.stringify(summary))
  }
  expect(await latent('learnability-page', ...Object.keys(folders), '--out', 'page')).toMatchObject({
    code: 0,
    out: `${join('page', 'learnability.md')}\n`,
    err: '',
  })
  const page = await readFile(join(root, 'page', 'learnability.md'), 'utf8')
  expect(page).toContain('## CIFAR-10: accuracy')
  expect(page).toContain('## CIFAR-10, preset hours: accuracy')
  expect(page).toContain('256, Muon with Nesterov momentum 0.9, highest learning rate 0.04 (triangle), no weight decay')
  expect(page).toContain(
    '`latent lab learnability --data mnist --variants plain,aes --seeds 1 --out runs/learn-mnist; latent lab ' +
      'learnability --data cifar10 --variants plain,aes --seeds 1 --out runs/learn-cifar10; latent lab ' +
      'learnability --data cifar10 --variants plain,aes --seeds 1 --preset hours --out runs/learn-cifar10-hours; ' +
      'latent lab learnability-page runs/learn-mnist runs/learn-cifar10 runs/learn-cifar10-hours --out page`',
  )
  expect((await readdir(join(root, 'page'))).sort()).toEqual([
    'cifar10-curves.svg',
    'cifar10-hours-curves.svg',
    'learnability.md',
    'mnist-curves.svg',
  ])
})
