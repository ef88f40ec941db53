import { mkdtemp, mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { curveTable, readCurves, type TrainingCurve, trainingPage, withTables, writeCurve } from '../src/models.ts'

const ROOT = fileURLToPath(new URL('../../..', import.meta.url))
let folder: string
beforeAll(async () => void (folder = await mkdtemp(join(tmpdir(), 'latent-curves-'))))
afterAll(() => rm(folder, { recursive: true, force: true }))

async function runOf(name: string, lines: readonly object[], record?: object): Promise<string> {
  const run = join(folder, name)
  await mkdir(run, { recursive: true })
  await writeFile(join(run, 'log.jsonl'), lines.map(line => `${JSON.stringify(line)}\n`).join(''))
  if (record) await writeFile(join(run, 'run.json'), JSON.stringify(record))
  return run
}

const SESSION = {
  fromStep: 0,
  toStep: 100,
  seconds: 61.4,
  backend: 'ort-node',
  threads: 2,
  machine: { cpu: 'a processor', cores: 2, system: 'Linux x64' },
  software: { latent: '0.1.0', node: '24' },
}
const RECORD = {
  version: 1,
  recipe: 'denoiser',
  profile: 'compact',
  seed: 7,
  batchSize: 16,
  steps: 400,
  data: [],
  sessions: [SESSION, { ...SESSION, fromStep: 100, toStep: 200, seconds: 30 }],
}
const LOG = Array.from({ length: 200 }, (_, i) => ({
  step: 20 * (i + 1),
  mse: 1 / (i + 3),
  'mse.gradient': 3,
  rate: 1e-3,
  seconds: i,
  ...(i % 20 === 19 ? { score: 20 + i / 100, 'check.psnr': 20 + i / 100, 'check.entropy': 7.5 } : {}),
}))

describe('a curve', () => {
  test('keeps every validation point and some of the lines between, and what the record says', async () => {
    await writeCurve(await runOf('whole', LOG, RECORD), { run: 'whole', note: 'fine', out: join(folder, 'out') })
    const [curve] = await readCurves(join(folder, 'out'))
    expect(curve).toMatchObject({
      run: 'whole',
      recipe: 'denoiser',
      profile: 'compact',
      seed: 7,
      step: 4000,
      steps: 400,
      batchSize: 16,
      seconds: 91,
      machine: 'a processor, 2 cores',
      note: 'fine',
    })
    const { columns, points } = curve!
    expect(columns).toEqual(['step', 'mse', 'rate', 'score', 'check.psnr', 'check.entropy'])
    expect(points.length).toBeLessThanOrEqual(61)
    expect(points.filter(row => row[3] !== null).length).toBe(10)
    expect(points.at(-1)![0]).toBe(4000)
    const steps = points.map(row => row[0]!)
    expect(steps).toEqual([...steps].sort((a, b) => a - b))
  })

  test('of a run without a record needs to be told', async () => {
    const run = await runOf('bare', LOG.slice(0, 3))
    const options = { run: 'bare', note: 'n', out: join(folder, 'bare-out') }
    await expect(writeCurve(run, options)).rejects.toMatchObject({ code: 'E_ARGUMENT', hint: 'give --recipe' })
    await writeCurve(run, {
      ...options,
      recipe: 'denoiser',
      profile: 'paper',
      seed: 1,
      steps: 60,
      batchSize: 4,
      machine: 'a card',
    })
    expect((await readCurves(join(folder, 'bare-out')))[0]).toMatchObject({
      machine: 'a card',
      profile: 'paper',
      seconds: 2,
    })
  })

  test('is not made of nothing, and replaces nothing unless told to', async () => {
    const empty = await runOf('empty', [], RECORD)
    await expect(writeCurve(empty, { run: 'x', note: '', out: folder })).rejects.toMatchObject({ code: 'E_WEIGHTS' })
    await expect(writeCurve(join(folder, 'nowhere'), { run: 'x', note: '', out: folder })).rejects.toMatchObject({
      code: 'E_IO',
    })
    const run = await runOf('twice', LOG.slice(0, 2), RECORD)
    const options = { run: 'twice', note: 'first', out: join(folder, 'twice-out') }
    await writeCurve(run, options)
    await expect(writeCurve(run, { ...options, note: 'second' })).rejects.toMatchObject({ code: 'E_EXISTS' })
    await writeCurve(run, { ...options, note: 'second', force: true })
    expect((await readCurves(options.out))[0]!.note).toBe('second')
  })
})

test('the table shows the last validation figures, and the step they are of', () => {
  const curve: TrainingCurve = {
    run: 'r',
    recipe: 'x',
    profile: 'paper',
    seed: 2,
    step: 60,
    steps: 100,
    batchSize: 8,
    seconds: 75,
    machine: 'm',
    note: 'n',
    columns: ['step', 'score', 'check.psnr', 'check.worst', 'check.entropy', 'check.edges'],
    points: [
      [20, 1, 30.04, 25, 7.5, 0.1],
      [40, 2, 31.27, 26.11, 7.912, 0.0512],
      [60, null, null, null, null, null],
    ],
  }
  const [, , row] = curveTable([curve]).split('\n')
  expect(row).toBe(
    '| `r` | `x` (paper), seed 2 | 60 of 100, 8 images each | 1 min 15 s, m | 31.3 (26.1) at 40 |  | 7.91 |  | ' +
      '0.051 |  |  | n |',
  )
})

test('tables go where the page has a place for them', () => {
  const page = 'a\n<!-- runs -->\nold\n<!-- end of runs -->\nb\n<!-- weights -->\n<!-- end of weights -->\nc\n'
  const once = withTables(page, { runs: '| R |', weights: '| W |' })
  expect(once).toBe(
    'a\n<!-- runs -->\n\n| R |\n\n<!-- end of runs -->\nb\n<!-- weights -->\n\n| W |\n\n<!-- end of weights -->\nc\n',
  )
  expect(withTables(once, { runs: '| R |', weights: '| W |' })).toBe(once)
  expect(() => withTables('nothing', { runs: '', weights: '' })).toThrow(/no place/)
})

test('docs/training.md holds the tables that its files give', async () => {
  const page = await readFile(join(ROOT, 'docs', 'training.md'), 'utf8')
  expect(await trainingPage(page, join(ROOT, 'docs', 'training'), join(ROOT, 'models'))).toBe(page)
})
