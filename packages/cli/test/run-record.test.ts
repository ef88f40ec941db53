import { latentHere } from './command.ts'
import { drawPhotos } from './drawn.ts'
import { sha256Of, toHex } from '@latent/core'
import { encodePng } from '@latent/core/png'
import { encodeSafetensors, tensor } from '@latent/graph'
import { drawPicture } from '@latent/data'
import { contentOf, isPublished, openData } from '@latent/data/node'
import type { ModelCard } from '@latent/schemes/models'
import { spawnSync } from 'node:child_process'
import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { availableParallelism, hostname, tmpdir, userInfo } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openRecord, readRecord, type RunRecord, type RunStart } from '@latent/training'
import { dataStatement, readRun } from '@latent/training/models'
import { atLength, LONG } from '../../../test/long.ts'

let root: string
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'latent-record-'))
  await drawPhotos(at('data'))
})
afterAll(() => rm(root, { recursive: true, force: true }))
const at = (...parts: string[]) => join(root, ...parts)

const latent = (...args: readonly string[]) => latentHere(args, { cwd: root })

const json = async <T>(path: string) => JSON.parse(await readFile(path, 'utf8')) as T
const hashOf = async (folder: string) =>
  toHex(
    sha256Of(
      new TextEncoder().encode(
        (
          await Promise.all(
            (await readdir(folder)).map(async name => `${toHex(sha256Of(await readFile(join(folder, name))))}\n`),
          )
        )
          .sort()
          .join(''),
      ),
    ),
  )

test.runIf(LONG)(
  `other pictures than the recipe means: said at the start, in the record and in the card${atLength}`,
  async () => {
    const train = ['train', 'denoiser', '--steps', '20', '--out', 'run', '--data', 'data', '--threads', '1']
    const { code, err } = await latent(...train)
    expect({ code, err }).toMatchObject({
      code: 0,
      err: expect.stringMatching(
        /bsds500\/train is not the published set: 3 other pictures[\s\S]*published length: our own variant/,
      ),
    })
    const record = await json<RunRecord>(at('run/run.json'))
    expect(record).toMatchObject({
      version: 1,
      recipe: 'denoiser',
      profile: 'compact',
      seed: 1,
      batchSize: 16,
      steps: 20,
      data: [
        { set: 'bsds500/train', pictures: 3, sha256: await hashOf(at('data/bsds500/train')), published: false },
        { set: 'bsds500/val', pictures: 2, sha256: await hashOf(at('data/bsds500/val')), published: false },
      ],
      sessions: [
        {
          fromStep: 0,
          toStep: 20,
          backend: 'ort-node',
          threads: 1,
          machine: { cores: availableParallelism() },
          software: { latent: expect.stringMatching(/^\d+\.\d+\.\d+$/), node: process.versions.node },
        },
      ],
    })
    expect(record.sessions[0]!.seconds).toBeGreaterThan(0)

    expect(
      await latent(
        'model',
        'add',
        'run',
        '--id',
        'mine',
        '--scheme',
        'denoiser',
        '--profile',
        'compact',
        '--recipe',
        'denoiser',
        '--out',
        'models',
      ),
    ).toMatchObject({ code: 0 })
    const card = await json<ModelCard>(at('models/mine.json'))
    expect(card.data).toMatch(
      /^OTHER PICTURES .* 3 pictures in the place of bsds500\/train, [0-9a-f]{16}\.{3}; 2 pictures .* of bsds500\/val/,
    )
    expect(card.data).not.toContain('BSDS500')
    expect(card).toMatchObject({
      recipe: 'denoiser',
      recipeProfile: 'compact',
      steps: 20,
      batchSize: 16,
      dataRead: record.data,
      sessions: record.sessions,
      seconds: record.sessions[0]!.seconds,
    })
    for (const text of [JSON.stringify(card), JSON.stringify(record)])
      for (const name of [hostname(), userInfo().username, root])
        expect(text.includes(`"${name}`) || text.includes(` ${name} `)).toBe(false)

    // The recipe that is named must be the one that ran, and files of the name stay unless forced.
    expect(
      await latent(
        'model',
        'add',
        'run',
        '--id',
        'mine2',
        '--scheme',
        'flowcrypt-2025',
        '--profile',
        'paper',
        '--recipe',
        'flowcrypt',
        '--out',
        'models',
      ),
    ).toMatchObject({ code: 2, err: expect.stringContaining('was trained by the recipe denoiser') })
    const before = await readFile(at('models/mine.json'))
    expect(
      await latent(
        'model',
        'add',
        'run',
        '--id',
        'mine',
        '--scheme',
        'denoiser',
        '--profile',
        'compact',
        '--recipe',
        'denoiser',
        '--out',
        'models',
      ),
    ).toMatchObject({ code: 1, err: expect.stringContaining('E_EXISTS') })
    expect(await readFile(at('models/mine.json'))).toEqual(before)
    expect((await readdir(at('models'))).sort()).toEqual(['mine.json', 'mine.safetensors', 'mine.svg'])

    // It goes on with the same pictures, adding a session, and not with others.
    await cp(at('data'), at('moved'), { recursive: true })
    expect(await latent(...train.with(3, '40').with(7, 'moved'), '--resume')).toMatchObject({ code: 0 })
    expect(
      (await json<RunRecord>(at('run/run.json'))).sessions.map(({ fromStep, toStep }) => [fromStep, toStep]),
    ).toEqual([
      [0, 20],
      [20, 40],
    ])
    await rm(at('moved/bsds500/train/1.png'))
    expect(await latent(...train.with(3, '60').with(7, 'moved'), '--resume')).toMatchObject({
      code: 1,
      err: expect.stringContaining('began on other pictures'),
    })
  },
)

describe('the record', () => {
  const start: RunStart = {
    recipe: 'denoiser',
    profile: 'compact',
    seed: 1,
    batchSize: 16,
    steps: 100,
    data: [{ set: 'a/train', pictures: 1, sha256: 'aa', published: true }],
    threads: 2,
    release: '1.2.3',
  }
  const progress = (firstStep: number, step: number, seconds: number) => ({
    step,
    steps: 100,
    losses: {},
    imagesPerSecond: 1,
    secondsLeft: 1,
    firstStep,
    seconds,
    backend: 'ort-node' as const,
  })

  test('holds every session, begins anew with a new run, and keeps what it was started from', async () => {
    await mkdir(at('sessions'))
    for (const [firstStep, steps] of [
      [0, [20, 40]],
      [40, [60]],
      [60, [80, 100]],
    ] as const) {
      const record = await openRecord(at('sessions'), { ...start, ...(firstStep === 0 ? { startedFrom: 'ab' } : {}) })
      for (const step of steps) record.progress(progress(firstStep, step, step - firstStep))
      await record.end()
    }
    const { sessions, startedFrom } = (await readRecord(at('sessions')))!
    expect(sessions.map(({ fromStep, toStep, seconds }) => [fromStep, toStep, seconds])).toEqual([
      [0, 40, 40],
      [40, 60, 20],
      [60, 100, 40],
    ])
    expect(startedFrom).toBe('ab')
    const again = await openRecord(at('sessions'), start)
    again.progress(progress(0, 20, 7))
    await again.end()
    expect((await readRecord(at('sessions')))!.sessions.map(({ toStep }) => toStep)).toEqual([20])
  })

  test('is written while the run goes on, so that a kill leaves it', async () => {
    await mkdir(at('early'))
    const record = await openRecord(at('early'), start)
    record.progress(progress(0, 20, 1))
    await expect.poll(async () => (await readRecord(at('early')))?.sessions[0]?.toStep).toBe(20)
  })

  test.each(['{', 'null', '[]', '{"version":2,"data":[],"sessions":[]}', '{"version":1,"data":{},"sessions":[]}'])(
    'that is damaged is refused: %s',
    async text => {
      await mkdir(at('damaged'), { recursive: true })
      await writeFile(at('damaged/run.json'), text)
      await expect(readRecord(at('damaged'))).rejects.toMatchObject({ code: 'E_WEIGHTS' })
    },
  )

  const weights = encodeSafetensors({
    tensors: { 'denoiser.w': tensor('f32', [1], Float32Array.of(1)) },
    metadata: { name: 'denoiser-compact', seed: '3', steps: '50', batchSize: '16' },
  })
  const runOf = async (name: string, record: unknown) => {
    await mkdir(at(name))
    await writeFile(at(name, 'weights.safetensors'), weights)
    await writeFile(
      at(name, 'log.jsonl'),
      '{"step":20,"mse":0.5,"rate":1,"seconds":3,"perSecond":9}\n' +
        '{"step":50,"mse":0.25,"rate":1,"seconds":8,"imagesPerSecond":9}\n' +
        '{"step":60,"ms',
    )
    await writeFile(at(name, 'curve.svg'), '<svg/>')
    if (record !== undefined) await writeFile(at(name, 'run.json'), JSON.stringify(record))
    return (await readRun(at(name), 'denoiser', false)).facts
  }

  test('a run without one: what nobody noted down is unknown, and nothing is taken for read', async () => {
    expect(await runOf('old', undefined)).toMatchObject({
      recipeProfile: 'unknown',
      steps: 50,
      batchSize: 16,
      dataRead: 'unknown',
      seconds: 'unknown',
      sessions: 'unknown',
      losses: { mse: 0.25 },
      data: expect.stringContaining('what was read was not noted down'),
    })
  })

  test('of sessions, those that made the weights count, the last in part; losses are no rates', async () => {
    const session = (fromStep: number, toStep: number, seconds: number) => ({
      fromStep,
      toStep,
      seconds,
      backend: 'ort-node',
      threads: 2,
      machine: { cpu: 'x', cores: 2, system: 'y' },
      software: { latent: '0', node: '0' },
    })
    const facts = await runOf('part', {
      version: 1,
      recipe: 'denoiser',
      profile: 'paper',
      data: start.data,
      sessions: [session(0, 40, 100), session(40, 80, 60), session(80, 90, 7)],
    })
    expect(facts).toMatchObject({ recipeProfile: 'paper', seconds: 115, dataRead: start.data, losses: { mse: 0.25 } })
    expect(Object.keys(facts.losses)).toEqual(['mse'])
    expect((facts.sessions as unknown[]).length).toBe(2)
  })

  test('words of the recipe hold for its own pictures alone', () => {
    const read = (published: boolean | 'unknown', set = 'a/train') => ({
      set,
      pictures: 7,
      sha256: 'c0ffee'.repeat(8),
      published,
    })
    expect(dataStatement('these, on terms', [read(true), read(true)])).toBe('these, on terms')
    expect(dataStatement('these, on terms', [read(true), read('unknown', 'b/val')])).toMatch(
      /^these, on terms \(.*compare b\/val with\)$/,
    )
    expect(dataStatement('these, on terms', [read(true), read(false, 'b/val')])).toMatch(
      /^OTHER PICTURES .*: 7 pictures in the place of b\/val, c0ffeec0ffeec0ff\.\.\.$/,
    )
  })
})

describe('what a set is known by', () => {
  test('the digest that sha256sum gives; another picture, and one of the same under another name', async () => {
    const { files, ...set } = await openData('bsds500/train', at('data'))
    const content = await contentOf({ files, ...set })
    const { stdout } = spawnSync(
      'sh',
      ['-c', `cd '${at('data/bsds500/train')}' && sha256sum * | cut -c1-64 | LC_ALL=C sort | sha256sum`],
      { encoding: 'utf8' },
    )
    expect(content).toEqual({ pictures: 3, sha256: stdout.slice(0, 64) })
    await cp(at('data'), at('renamed'), { recursive: true })
    await cp(at('renamed/bsds500/train/0.png'), at('renamed/bsds500/train/zero.png'))
    await rm(at('renamed/bsds500/train/0.png'))
    expect(await contentOf(await openData('bsds500/train', at('renamed')))).toEqual(content)
    await writeFile(at('renamed/bsds500/train/0.png'), encodePng(await drawPicture('shapes', 160, 140, 99)))
    expect(await contentOf(await openData('bsds500/train', at('renamed')))).not.toEqual(content)
    expect(await contentOf(await openData('procedural:2'))).not.toEqual(await contentOf(await openData('procedural:3')))
  })

  test('published or not, and unknown where nothing tells', async () => {
    expect(await isPublished('bsds500/train', at('data'))).toBe(false)
    for (const name of ['bsds500/test', 'nobody/train', 'procedural', 'cifar10/train', at('data')])
      expect(await isPublished(name, at('data'))).toBeUndefined()
  })

  test('leavings in a folder are no pictures', async () => {
    await cp(at('data/bsds500/val'), at('with-leavings'), { recursive: true })
    for (const name of ['._0.png', '._1.jpg', 'Thumbs.db']) await writeFile(at('with-leavings', name), 'x')
    expect((await openData(at('with-leavings'))).pictures.map(({ id }) => id)).toEqual(['0.png', '1.png'])
  })
})

test('weights to start from that are no finite floats are refused', async () => {
  for (const [i, value] of [
    tensor('f32', [1], Float32Array.of(NaN)),
    tensor('f32', [1], Float32Array.of(-Infinity)),
    tensor('i32', [1], Int32Array.of(1)),
  ].entries()) {
    await writeFile(
      at(`start-${i}.safetensors`),
      encodeSafetensors({ tensors: { 'denoiser.conv0.bias': value }, metadata: {} }),
    )
    expect(
      await latent(
        'train',
        'denoiser',
        '--steps',
        '1',
        '--out',
        `started-${i}`,
        '--data',
        'data',
        '--from',
        `start-${i}.safetensors`,
      ),
    ).toMatchObject({ code: 1, err: expect.stringContaining('E_WEIGHTS') })
  }
})
