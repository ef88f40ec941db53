import { argumentError, type Image, type ImageCipher, LatentError, sha256Of, toHex } from '@latent/core'
import { interrupted, openWorkers, type Workers } from '@latent/core/workers'
import { dataRoot, type DataSet, openData } from '@latent/data/node'
import type { OpenScheme, Scheme } from '@latent/schemes'
import { mkdir, readFile } from 'node:fs/promises'
import { availableParallelism, cpus, loadavg, release, type } from 'node:os'
import { basename, join } from 'node:path'
import { middle } from '../metrics/index.ts'
import { requireControls } from '../run/controls.ts'
import { type FailureRow, type ImageRow, type KeysRow, type Row, rowName, type TimingRow } from '../run/rows.ts'
import { type RunInfo, type SchemeCard, type Summary, summarise } from '../run/summary.ts'
import { median } from '../statistics/bootstrap.ts'
import { cardOf, CONTROL_IDS, type LabTest, TESTS, withTests } from '../tests/index.ts'
import { type Journal, writeJson } from './journal.ts'
import {
  type Fault,
  type KeysTask,
  keysTask,
  type LookTask,
  type MeasureTask,
  measureTask,
  type Unreadable,
} from './measure-task.ts'
import { openRunJournal } from './run-journal.ts'
import { openOwn, resolveSchemes, resolveTests } from './own-scripts.ts'

/** What is measured, on what, and how much of it. */
export interface EvaluateOptions {
  /** By id, by the path of a script that exports one or several (see `defineScheme`), or as they are. */
  readonly schemes: readonly (string | Scheme)[]
  /** Tests of one's own beside those of the lab: scripts that export them (see `defineTest`), or as they are. */
  readonly tests?: readonly (string | LabTest)[]
  /** A folder of pictures or a named set; see `openData`. */
  readonly data: string
  /** Folder for raw rows, summary and report. */
  readonly out: string
  /** At most this many images, the first ones. */
  readonly images?: number
  /** Repetitions with other keys and choices. */
  readonly seeds?: number
  /** Images of which robustness curves are taken. */
  readonly robustness?: number
  readonly workers?: number
  /**
   * Keys among which equal ciphers are looked for; as many as show an effective key of 24 bits by default, fewer for a
   * learned cipher.
   */
  readonly keys?: number
  /** Pictures with more pixels are measured on their middle. */
  readonly largest?: number
  readonly root?: string
  /** When it aborts, what is being measured is finished, and nothing else is begun. */
  readonly signal?: AbortSignal
  readonly onProgress?: (done: number, total: number) => void
}

/** Controls that nobody asked for are measured on this many images: enough to know them by. */
const CONTROL_IMAGES = 24
/** Statistics of a million samples see what can be seen; a learned cipher takes minutes over a large photograph. */
export const LARGEST_MEASURED = 2 ** 19
const TIMING_RUNS = 21
const TIMING_BUDGET_MS = 10_000

/**
 * Measures schemes and the controls on a collection of pictures. Every finished row is on disk before
 * the next one counts, so that a killed run goes on where it stopped when it is started again with the
 * same arguments.
 * What a script of one's own exports is measured on threads like everything else; what exists in this process alone is
 * measured in it, one image after the other.
 * @throws E_ARGUMENT; E_SCRIPT; E_DATA; E_EXISTS (the folder holds another run); E_CONTROLS (nothing is judged)
 */
export async function evaluate(
  options: EvaluateOptions,
): Promise<{ readonly summary: Summary; readonly rows: readonly Row[] }> {
  const {
    data,
    out,
    seeds = 1,
    robustness = 4,
    root = dataRoot(),
    workers = availableParallelism(),
    largest = LARGEST_MEASURED,
    keys,
  } = options
  if (options.schemes.length === 0) throw argumentError('schemes', 'at least one scheme', options.schemes.length)
  const asked = await resolveSchemes(options.schemes)
  const oneWay = asked.find(({ scheme }) => !scheme.reversible)
  if (oneWay)
    throw new LatentError(
      'E_ARGUMENT',
      `${oneWay.scheme.id} cannot be decrypted, and this run measures what comes back`,
      { hint: 'latent lab study measures such a scheme' },
    )
  const own = await resolveTests(options.tests ?? [])
  const added = own.map(({ test }) => test)
  const tests = withTests(TESTS, added)
  const set = await openData(data, root)
  const pictures = set.pictures.slice(0, options.images ?? set.pictures.length)
  if (pictures.length === 0) throw argumentError('images', 'at least one image', options.images)

  const controls = await resolveSchemes(CONTROL_IDS)
  const chosen = [...asked, ...controls.filter(({ scheme }) => !asked.some(other => other.scheme === scheme))]
  const opened: OpenScheme[] = []
  try {
    for (const { scheme } of chosen) opened.push(await openOwn(scheme))
    const info: RunInfo = {
      version: 1,
      data: set.name,
      images: pictures.length,
      seeds,
      passedOver: set.passedOver ?? [],
      schemes: opened.map(({ cipher }) => card(cipher)),
      ...(added.length > 0 && { tests: added.map(cardOf) }),
      machine: machine(),
    }
    await mkdir(out, { recursive: true })
    const { machine: _, ...constant } = info
    const scripts = await hashes([...asked.map(({ name }) => name?.script), ...own.map(({ script }) => script)])
    const config = {
      ...constant,
      data,
      robustness,
      largest,
      asked: asked.map(({ scheme }) => scheme.id),
      ...(keys !== undefined && { keys }),
      ...(scripts.length > 0 && { scripts }),
    }
    const journal = openRunJournal(out, { config, machine: info.machine })
    const threads: Threads = openWorkers(new URL('./worker.ts', import.meta.url), {
      threads: workers,
      signal: options.signal,
    })
    try {
      const readable = await lookAll(
        pictures.map(({ id: image }) => ({ data, root, image })),
        chosen.map(({ scheme }) => scheme.id),
        seeds,
        journal,
        threads,
      )
      const shared = { data, root, largest, tests: own.flatMap(({ script }) => script ?? []) }
      const tasks = readable.flatMap((image, index) =>
        Array.from({ length: seeds }, (_, seed) => seed).flatMap(seed =>
          chosen.flatMap(one =>
            asked.includes(one) || index < CONTROL_IMAGES
              ? [
                  {
                    scheme: one.scheme.id,
                    ...one.name,
                    ...shared,
                    image,
                    seed,
                    robustness: index < robustness && seed === 0,
                  },
                ]
              : [],
          ),
        ),
      )
      const here = new Set(
        own.every(({ script }) => script !== undefined)
          ? chosen.flatMap(({ scheme, name }) => (name ? [] : [scheme.id]))
          : chosen.map(({ scheme }) => scheme.id),
      )
      const measureHere = (task: MeasureTask) =>
        measureTask(task, {
          load: async ({ image }) => pictures.find(({ id }) => id === image)!.load(),
          open: async () => opened.find(({ cipher }) => cipher.id === task.scheme)!,
          tests: async () => tests,
        })
      await measureAll(tasks, journal, threads, {
        ...options,
        measureHere: task => (here.has(task.scheme) ? () => measureHere(task) : undefined),
      })
      const first = readable[0]
      if (first !== undefined)
        await searchAll(
          chosen.map(({ scheme, name }) => ({ scheme: scheme.id, ...name, data, root, image: first, tried: keys })),
          journal,
          threads,
          task =>
            here.has(task.scheme)
              ? () =>
                  keysTask(task, {
                    load: async ({ image }) => pictures.find(({ id }) => id === image)!.load(),
                    open: async () => opened.find(({ cipher }) => cipher.id === task.scheme)!,
                  })
              : undefined,
        )
    } finally {
      await threads.close()
    }
    await timeAll(
      opened.map(({ cipher }) => cipher),
      set,
      largest,
      journal,
    )
    const summary = summarise(info, journal.rows, added)
    requireControls(summary.controlDeviations)
    writeJson(join(out, 'summary.json'), summary)
    return { summary, rows: journal.rows }
  } finally {
    await Promise.all(opened.map(scheme => scheme.close()))
  }
}

/** A run does not go on with another script than it began with. Names without folders: a run may be passed on. */
async function hashes(
  scripts: readonly (string | undefined)[],
): Promise<{ readonly name: string; readonly sha256: string }[]> {
  const paths = [...new Set(scripts)].flatMap(path => path ?? [])
  return Promise.all(paths.map(async path => ({ name: basename(path), sha256: toHex(sha256Of(await readFile(path))) })))
}

const card = ({ id, title, traits, keySpace }: ImageCipher): SchemeCard => ({
  id,
  title,
  traits,
  ...(keySpace ? { keySpace } : {}),
})

/** What timings depend on, without names of hosts or users. */
export function machine(): string {
  const [first] = cpus()
  return (
    `${first?.model.trim() ?? 'unknown processor'}, ${availableParallelism()} threads, ${type()} ` +
    `${release().split('-')[0]}, Node ${process.versions.node}`
  )
}

type Outcome = ImageRow | FailureRow | Fault
type Threads = Workers<MeasureTask | LookTask | KeysTask, Outcome | KeysRow | Unreadable | undefined>

/**
 * Decodes every picture once. One that cannot be read is a failure of each scheme and costs nothing more;
 * the controls are measured on pictures that can.
 * @returns the pictures that can be read
 */
async function lookAll(
  looks: readonly LookTask[],
  schemes: readonly string[],
  seeds: number,
  journal: Journal<Row>,
  threads: Threads,
): Promise<string[]> {
  const failures = new Map<string, Unreadable>()
  await threads.each(looks, (failure, { image }) => void (failure && failures.set(image, failure as Unreadable)))
  return looks.flatMap(({ image }) => {
    const failure = failures.get(image)
    if (!failure) return [image]
    for (const scheme of schemes) {
      for (let seed = 0; seed < seeds; seed++)
        if (!journal.has(rowName({ kind: 'image', scheme, image, seed })))
          journal.add({ kind: 'failure', scheme, image, seed, ...failure })
    }
    return []
  })
}

interface MeasureOptions extends Pick<EvaluateOptions, 'onProgress' | 'signal'> {
  /** How a task is measured that no thread can be given. */
  readonly measureHere: (task: MeasureTask) => (() => Promise<Outcome>) | undefined
}

async function measureAll(
  tasks: readonly MeasureTask[],
  journal: Journal<Row>,
  threads: Threads,
  { onProgress, signal, measureHere }: MeasureOptions,
): Promise<void> {
  const open = tasks.filter(({ scheme, image, seed }) => !journal.has(rowName({ kind: 'image', scheme, image, seed })))
  let done = tasks.length - open.length
  onProgress?.(done, tasks.length)
  const take = (outcome: Outcome): void => {
    if (outcome.kind === 'fault')
      throw new LatentError('E_SCRIPT', outcome.message, outcome.hint === undefined ? {} : { hint: outcome.hint })
    journal.add(outcome)
    onProgress?.(++done, tasks.length)
  }
  await threads.each(
    open.filter(task => !measureHere(task)),
    outcome => take(outcome as Outcome),
  )
  for (const task of open) {
    const measure = measureHere(task)
    if (!measure) continue
    if (signal?.aborted) throw interrupted()
    take(await measure())
  }
}

/** Looks for what many keys show of each scheme. */
async function searchAll(
  tasks: readonly KeysTask[],
  journal: Journal<Row>,
  threads: Threads,
  searchHere: (task: KeysTask) => (() => Promise<KeysRow>) | undefined,
): Promise<void> {
  const open = tasks.filter(({ scheme }) => !journal.has(rowName({ kind: 'keys', scheme })))
  await threads.each(
    open.filter(task => !searchHere(task)),
    row => journal.add(row as KeysRow),
  )
  for (const task of open) {
    const search = searchHere(task)
    if (search) journal.add(await search())
  }
}

async function timeAll(
  ciphers: readonly ImageCipher[],
  set: DataSet,
  largest: number,
  journal: Journal<Row>,
): Promise<void> {
  const open = ciphers.filter(({ id }) => !journal.has(rowName({ kind: 'timing', scheme: id })))
  const plain = open.length > 0 ? await firstReadable(set) : undefined
  if (!plain) return
  for (const cipher of open) {
    const row = await time(cipher, middle(plain, largest)).catch(() => undefined)
    if (row) journal.add(row)
  }
}

async function firstReadable({ pictures }: DataSet): Promise<Image | undefined> {
  for (const picture of pictures) {
    const plain = await picture.load().catch(() => undefined)
    if (plain) return plain
  }
  return undefined
}

async function time(cipher: ImageCipher, plain: Image): Promise<TimingRow> {
  const key = new Uint8Array(32).fill(7)
  const [encryptMs, decryptMs]: [number[], number[]] = [[], []]
  const start = performance.now()
  for (let run = 0; run <= TIMING_RUNS && (run < 3 || performance.now() - start < TIMING_BUDGET_MS); run++) {
    const a = performance.now()
    const encrypted = await cipher.encrypt(plain, key)
    const b = performance.now()
    await cipher.decrypt(encrypted, key)
    // The first run warms up and is not counted.
    if (run === 0) continue
    encryptMs.push(b - a)
    decryptMs.push(performance.now() - b)
  }
  const { width, height, channels, format } = plain
  return {
    kind: 'timing',
    scheme: cipher.id,
    plain: `${width}x${height}x${channels} ${format}`,
    runs: encryptMs.length,
    encryptMs: median(encryptMs),
    decryptMs: median(decryptMs),
    load: loadavg()[0]!,
    ...cipher.cost?.(plain),
  }
}
