import { argumentError, type Image, type ImageCipher, LatentError } from '@latent/core'
import { findScheme, openScheme } from '@latent/schemes'
import { openWorkers, type Workers } from '@latent/core/workers'
import { dataRoot, type DataSet, openData } from '@latent/data/node'
import { mkdir } from 'node:fs/promises'
import { availableParallelism, cpus, loadavg, release, type } from 'node:os'
import { join } from 'node:path'
import { middle } from '../metrics/index.ts'
import { CONTROL_IDS, requireControls } from '../run/controls.ts'
import { type FailureRow, type ImageRow, type Row, rowName, type TimingRow } from '../run/rows.ts'
import { type RunInfo, type SchemeCard, type Summary, summarise } from '../run/summary.ts'
import { median } from '../statistics/bootstrap.ts'
import { type Journal, openJournal, writeJson } from './journal.ts'
import type { LookTask, MeasureTask, Unreadable } from './worker.ts'

export interface EvaluateOptions {
  readonly schemes: readonly string[]
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
 * @throws E_ARGUMENT; E_DATA; E_EXISTS (the folder holds another run); E_CONTROLS (nothing is judged)
 */
export async function evaluate(options: EvaluateOptions): Promise<{ readonly summary: Summary; readonly rows: readonly Row[] }> {
  const { schemes, data, out, seeds = 1, robustness = 4, root = dataRoot(), workers = availableParallelism(), largest = LARGEST_MEASURED } = options
  if (schemes.length === 0) throw argumentError('schemes', 'at least one scheme', schemes.length)
  const oneWay = schemes.find(id => !findScheme(id).reversible)
  if (oneWay) throw new LatentError('E_ARGUMENT', `${oneWay} cannot be decrypted, and this run measures what comes back`, { hint: 'latent lab study measures such a scheme' })
  const set = await openData(data, root)
  const pictures = set.pictures.slice(0, options.images ?? set.pictures.length)
  if (pictures.length === 0) throw argumentError('images', 'at least one image', options.images)

  const ids = [...new Set([...schemes, ...CONTROL_IDS])]
  const opened = await Promise.all(ids.map(async id => ({ id, ...(await openScheme(id)) })))
  try {
    const info: RunInfo = { version: 1, data: set.name, images: pictures.length, seeds, passedOver: set.passedOver ?? [], schemes: opened.map(({ cipher }) => card(cipher)), machine: machine() }
    await mkdir(out, { recursive: true })
    const { machine: _, ...constant } = info
    const journal = openJournal<Row>(out, { config: { ...constant, data, robustness, largest, asked: schemes }, machine: info.machine, nameOf: rowName })
    const threads: Threads = openWorkers(new URL('./worker.ts', import.meta.url), { threads: workers, signal: options.signal })
    try {
      const readable = await lookAll(pictures.map(({ id: image }) => ({ data, root, image })), ids, seeds, journal, threads)
      const tasks = readable.flatMap((image, index) =>
        Array.from({ length: seeds }, (_, seed) => seed).flatMap(seed =>
          ids.flatMap(scheme => (schemes.includes(scheme) || index < CONTROL_IMAGES ? [{ scheme, data, root, image, seed, largest, robustness: index < robustness && seed === 0 }] : [])),
        ),
      )
      await measureAll(tasks, journal, threads, options.onProgress)
    } finally {
      await threads.close()
    }
    await timeAll(opened.map(({ cipher }) => cipher), set, largest, journal)
    const summary = summarise(info, journal.rows)
    requireControls(summary.controlDeviations)
    writeJson(join(out, 'summary.json'), summary)
    return { summary, rows: journal.rows }
  } finally {
    await Promise.all(opened.map(scheme => scheme.close()))
  }
}

const card = ({ id, title, traits, keySpace }: ImageCipher): SchemeCard => ({ id, title, traits, ...(keySpace ? { keySpace } : {}) })

/** What timings depend on, without names of hosts or users. */
export function machine(): string {
  const [first] = cpus()
  return `${first?.model.trim() ?? 'unknown processor'}, ${availableParallelism()} threads, ${type()} ${release().split('-')[0]}, Node ${process.versions.node}`
}

type Threads = Workers<MeasureTask | LookTask, ImageRow | FailureRow | Unreadable | undefined>

/**
 * Decodes every picture once. One that cannot be read is a failure of each scheme and costs nothing more;
 * the controls are measured on pictures that can.
 * @returns the pictures that can be read
 */
async function lookAll(looks: readonly LookTask[], schemes: readonly string[], seeds: number, journal: Journal<Row>, threads: Threads): Promise<string[]> {
  const failures = new Map<string, Unreadable>()
  await threads.each(looks, (failure, { image }) => void (failure && failures.set(image, failure as Unreadable)))
  return looks.flatMap(({ image }) => {
    const failure = failures.get(image)
    if (!failure) return [image]
    for (const scheme of schemes) {
      for (let seed = 0; seed < seeds; seed++) if (!journal.has(rowName({ kind: 'image', scheme, image, seed }))) journal.add({ kind: 'failure', scheme, image, seed, ...failure })
    }
    return []
  })
}

async function measureAll(tasks: readonly MeasureTask[], journal: Journal<Row>, threads: Threads, onProgress: EvaluateOptions['onProgress']): Promise<void> {
  const open = tasks.filter(({ scheme, image, seed }) => !journal.has(rowName({ kind: 'image', scheme, image, seed })))
  let done = tasks.length - open.length
  onProgress?.(done, tasks.length)
  await threads.each(open, row => {
    journal.add(row as ImageRow | FailureRow)
    onProgress?.(++done, tasks.length)
  })
}

async function timeAll(ciphers: readonly ImageCipher[], set: DataSet, largest: number, journal: Journal<Row>): Promise<void> {
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
  return { kind: 'timing', scheme: cipher.id, plain: `${width}x${height}x${channels} ${format}`, runs: encryptMs.length, encryptMs: median(encryptMs), decryptMs: median(decryptMs), load: loadavg()[0]!, ...cipher.cost?.(plain) }
}
