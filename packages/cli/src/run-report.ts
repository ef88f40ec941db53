import { type ErrorCode, LatentError, formatBytes, formatSeconds } from '@latent/core'
import type { FileResult, FileStatus, RunWatcher } from '@latent/vault/node'
import { basename } from 'node:path'
import { type Progress, progressBar } from './progress.ts'
import { errorLines, jsonLine, visible } from './terminal.ts'

/** How a run over files shows itself while it goes on. */
export interface RunDisplay {
  /** How many sealed files journals list, once it is known; `null` where there is no journal. */
  expected?: number | null
  readonly progress: Progress
  readonly watcher: RunWatcher
  readonly json: boolean
}

/** A progress line on a terminal, or nothing beside JSON lines. */
export function runDisplay(title: string, json = false): RunDisplay {
  const progress = progressBar(title, !json)
  const notice = (text: string) =>
    json ? void process.stdout.write(jsonLine({ notice: text })) : progress.note(`note: ${visible(text)}`)
  const display: RunDisplay = {
    json,
    progress,
    watcher: {
      planned: (_, bytes) => progress.total(bytes),
      progress: (_, bytes) => progress.add(bytes),
      notice,
      expected: listed => void (display.expected = listed ?? null),
    },
  }
  return display
}

/** What a run is called in its report. */
export interface RunWords {
  /** What a file is when all is well: `sealed`, `opened`, `intact`. */
  readonly done: string
  readonly output?: string
}

/** Statuses that mean that not everything is well. */
const BAD = ['failed', 'salvaged', 'missing'] as const
const isBad = (status: FileStatus): status is (typeof BAD)[number] => (BAD as readonly FileStatus[]).includes(status)

/**
 * Consumes a run: failures are named as they happen, and at the end, however it ends, the exact
 * count of everything.
 * @throws E_INTERRUPTED if files are left; E_PARTIAL if one failed, is missing or could be salvaged only in part; what
 * the run itself throws
 */
export async function reportRun(
  results: AsyncIterable<FileResult>,
  display: RunDisplay,
  words: RunWords,
): Promise<void> {
  const { progress, json } = display
  const started = performance.now()
  const tally = new Tally()
  const failures = new Failures(line => (json ? undefined : progress.note(line)))
  const notes = new Failures(line => (json ? undefined : progress.note(line)))
  const summarise = () => {
    notes.end()
    failures.end()
    progress.end()
    const seconds = (performance.now() - started) / 1000
    process.stdout.write(
      json
        ? jsonLine({
            summary: {
              ...tally.figures(words.done, seconds),
              ...(display.expected === undefined ? {} : { expected: display.expected }),
              // Without a journal nobody knows what is missing.
              ...(display.expected === null ? { missing: null } : {}),
            },
          })
        : tally.summary(words, seconds, display.expected),
    )
  }
  try {
    for await (const result of results) {
      tally.add(result)
      if (json)
        process.stdout.write(jsonLine({ ...result, status: result.status === 'done' ? words.done : result.status }))
      if (isBad(result.status)) failures.add(result)
      else if (result.note !== undefined) notes.add(result)
    }
  } catch (error) {
    // A full disk ends a run where no single file is to blame: what was done until then is told all the same.
    summarise()
    throw error
  }
  summarise()
  const { interrupted } = tally.counts
  if (interrupted > 0)
    throw new LatentError('E_INTERRUPTED', `interrupted with ${interrupted} of ${tally.all} files left`, {
      hint: 'the same command goes on',
    })
  const bad = BAD.reduce((sum, status) => sum + tally.counts[status], 0)
  if (bad > 0) throw new LatentError('E_PARTIAL', tally.verdict(bad), { hint: failures.advice() })
}

class Tally {
  readonly counts: Record<FileStatus, number> = {
    done: 0,
    salvaged: 0,
    skipped: 0,
    missing: 0,
    interrupted: 0,
    failed: 0,
  }
  readonly #skippedFor = new Map<string, number>()
  #plainBytes = 0
  #sealedBytes = 0

  add({ status, plainBytes = 0, sealedBytes = 0, reason = '' }: FileResult): void {
    this.counts[status]++
    if (status === 'skipped') this.#skippedFor.set(reason, (this.#skippedFor.get(reason) ?? 0) + 1)
    if (status !== 'done' && status !== 'salvaged') return
    this.#plainBytes += plainBytes
    this.#sealedBytes += sealedBytes
  }

  get all(): number {
    return Object.values(this.counts).reduce((sum, count) => sum + count, 0)
  }

  /** For JSON: numbers alone, and the same keys whatever happened. */
  figures(done: string, seconds: number): Record<string, number> {
    const { done: well, ...counts } = this.counts
    return {
      [done]: well,
      ...counts,
      plainBytes: this.#plainBytes,
      sealedBytes: this.#sealedBytes,
      seconds: Number(seconds.toFixed(3)),
    }
  }

  summary({ done, output }: RunWords, seconds: number, expected: number | null | undefined): string {
    const { counts } = this
    const made = counts.done + counts.salvaged
    const rate = made > 0 ? `, ${formatBytes(this.#plainBytes / Math.max(seconds, 0.001))}/s` : ''
    const sizes =
      made > 0 && this.#sealedBytes > 0
        ? ` (${formatBytes(this.#plainBytes)} plain, ${formatBytes(this.#sealedBytes)} sealed)`
        : ''
    const skipped = Array.from(this.#skippedFor, ([reason, count]) => `${count} ${visible(reason)}`).join('; ')
    const ofSealed = expected === undefined ? '' : ` of ${expected} that were sealed here`
    const missing = expected === null ? 'unknown (no journal)' : `${counts.missing}${ofSealed}`
    return [
      `${done}   ${counts.done}${sizes}`,
      ...(counts.salvaged > 0 ? [`salvaged ${counts.salvaged} (in part)`] : []),
      `skipped  ${counts.skipped}${skipped ? ` (${skipped})` : ''}`,
      ...(expected === undefined && counts.missing === 0 ? [] : [`missing  ${missing}`]),
      ...(counts.interrupted > 0 ? [`left     ${counts.interrupted} (interrupted)`] : []),
      `failed   ${counts.failed}`,
      `time     ${formatSeconds(seconds)}${rate}`,
      // Where everything failed there may be none.
      ...(output === undefined || made + counts.skipped === 0 ? [] : [`folder   ${visible(output)}`]),
      '',
    ].join('\n')
  }

  verdict(bad: number): string {
    const { failed, salvaged, missing } = this.counts
    const { all } = this
    if (failed === bad) return `${failed} of ${all} files failed`
    const parts = [
      [failed, 'failed'],
      [salvaged, salvaged === 1 ? 'is there in part' : 'are there in part'],
      [missing, missing === 1 ? 'is missing' : 'are missing'],
    ] as const
    return `of ${all} files ${parts
      .filter(([count]) => count > 0)
      .map(([count, what]) => `${count} ${what}`)
      .join(', ')}`
  }
}

const wordOf = ({ status }: FileResult) => (isBad(status) ? status : 'note')
const said = ({ status, reason = '', code = 'E_INTERNAL', note = '' }: FileResult) =>
  isBad(status) ? errorLines({ message: reason, code }) : visible(note)

/** So many of one kind are named; the others are counted. */
const NAMED = 3
/** A failure is compared with so many kinds that came last. */
const COMPARED = 100

/** What was said of a file, with the names that it goes by. */
interface NamedText {
  readonly text: string
  readonly names: readonly string[]
}

function namedText(result: FileResult): NamedText {
  const paths = [result.source, result.target].flatMap(path => path ?? [])
  const names = paths.flatMap(path => [path, basename(path)]).filter(name => name !== '')
  return { text: `${wordOf(result)} ${said(result)}`, names: names.map(visible) }
}

/**
 * Do two texts differ by the names of their files alone? Read side by side: a name of one letter is also a letter of
 * other words, so that it cannot simply be cut out of either.
 */
export function isAlike(a: NamedText, b: NamedText): boolean {
  const tried = new Set<string>()
  const from = (i: number, j: number): boolean => {
    while (i < a.text.length || j < b.text.length) {
      if (tried.has(`${i} ${j}`)) return false
      tried.add(`${i} ${j}`)
      for (const [k, name] of a.names.entries()) {
        const other = b.names[k] ?? ''
        if (other === '' || name === other || !a.text.startsWith(name, i) || !b.text.startsWith(other, j)) continue
        if (from(i + name.length, j + other.length)) return true
      }
      if (i >= a.text.length || a.text[i] !== b.text[j]) return false
      i++
      j++
    }
    return true
  }
  return from(0, 0)
}

/**
 * Names what went wrong, or otherwise than expected. A run in which every file fails for one reason (a
 * wrong key, a full disk) says so once and not a thousand times: what differs by file names alone is one
 * kind.
 */
class Failures {
  readonly #kinds: { readonly first: FileResult; readonly text: NamedText; count: number }[] = []
  readonly #print: (line: string) => void

  constructor(print: (line: string) => void) {
    this.#print = print
  }

  add(result: FileResult): void {
    const { source, hint } = result
    const text = namedText(result)
    const known = this.#kinds.slice(-COMPARED).find(kind => isAlike(kind.text, text))
    if (known) known.count++
    else this.#kinds.push({ first: result, text, count: 1 })
    if ((known?.count ?? 1) > NAMED) return
    const advice = known || hint === undefined || !isBad(result.status) ? '' : `\n  hint: ${visible(hint)}`
    this.#print(`${wordOf(result)}: ${visible(source)}: ${said(result)}${advice}`)
  }

  /** Says how many were not named. */
  end(): void {
    for (const { first, count } of this.#kinds) {
      if (count <= NAMED) continue
      const like = `${visible(basename(first.source))}${isBad(first.status) ? ` [${first.code ?? 'E_INTERNAL'}]` : ''}`
      this.#print(`${wordOf(first)}: ${count - NAMED} more like ${like}; --json names every one`)
    }
  }

  /** What to do next, which depends on what all of them have in common. */
  advice(): string {
    const codes = new Set(this.#kinds.map(({ first }) => first.code))
    const only = (...some: ErrorCode[]) => Array.from(codes).every(code => code !== undefined && some.includes(code))
    const statuses = new Set(this.#kinds.map(({ first }) => first.status))
    if (statuses.has('missing'))
      return statuses.size === 1 ? 'they are named above; everything that is there is intact' : 'they are named above'
    if (only('E_NO_MATCH')) return 'give the key that they were sealed for; everything else is done'
    if (only('E_IO', 'E_CHANGED'))
      return 'they are named above; everything else is done, and a second run goes on with them'
    return 'they are named above; everything else is done'
  }
}
