import { LatentError } from '@latent/core'
import { BACKENDS } from '@latent/graph'
import { runPosition } from '@latent/graph/train'
import { findRecipe } from '@latent/schemes/recipes'
import type { Profile } from '@latent/schemes/recipes'
import { appendJsonLines, holdLock, ioError } from '@latent/core/node'
import { readFile } from 'node:fs/promises'
import { runFolder, type RunRecipeOptions, type RunSurroundings, trainRecipe } from './recipe-run.ts'

/** What one line of a queue may say; the rest comes from the command's own options. */
type Entry = RunRecipeOptions & { readonly recipe: string; readonly steps: number }

/** What holds for every run of a queue. */
export interface QueueOptions extends RunSurroundings {
  readonly data?: string
  readonly threads?: number
  /** Stops before this time, with a checkpoint. */
  readonly until?: Date
}

const FIELDS = {
  recipe: 'string',
  profile: 'string',
  steps: 'number',
  seed: 'number',
  out: 'string',
  from: 'string',
  threads: 'number',
  backend: 'string',
} as const

/**
 * Trains the runs of a file one after the other, each resumed from its checkpoint, until all have
 * reached their steps. The file is read again after each run, so that lines may be added meanwhile. A
 * run that fails is noted and passed over. Beside the file lie its log and, while it works, its lock.
 * @throws E_EXISTS while another process works on the queue; E_INTERRUPTED if it was stopped; E_PARTIAL if its time was
 * up or runs failed
 */
export async function runQueue(
  file: string,
  { data, threads, until, signal: interrupted, ...surroundings }: QueueOptions,
): Promise<void> {
  const lock = await holdLock(`${file}.lock`, 'is working on this queue')
  let release: (() => void) | undefined
  try {
    const stop = until === undefined ? undefined : stopAt(until, interrupted)
    release = stop?.release
    const signal = stop?.signal ?? interrupted
    const failed = new Set<string>()
    for (;;) {
      const next = await firstUnfinished(
        await readQueue(file, {
          ...(data === undefined ? {} : { data }),
          ...(threads === undefined ? {} : { threads }),
        }),
        failed,
      )
      if (!next) break
      const folder = runFolder(next.recipe, next)
      const log = (event: string, step: number, more: object = {}) =>
        note(file, { event, run: folder, recipe: next.recipe, step, steps: next.steps, ...more })
      if (signal.aborted) throw stopped(file, interrupted)
      try {
        await log('start', (await runPosition(folder))?.step ?? 0)
        const { step, finished } = await trainRecipe(next.recipe, next, { ...surroundings, signal })
        await log(finished ? 'finished' : 'stopped', step)
      } catch (error) {
        failed.add(folder)
        await log('failed', (await runPosition(folder).catch(() => undefined))?.step ?? 0, {
          error: error instanceof Error ? error.message : String(error),
        })
      }
    }
    if (failed.size > 0)
      throw new LatentError('E_PARTIAL', `${failed.size} of the runs failed: ${[...failed].join(', ')}`, {
        hint: `${file}.log says why; the others are finished`,
      })
  } finally {
    release?.()
    await lock.release()
  }
}

/** `setTimeout` waits this many milliseconds at most. */
const LONGEST = 2 ** 31 - 1

/**
 * A signal that is given at a time, or when another one is. Not `AbortSignal.any` of `AbortSignal.timeout`: Node holds
 * the timeout weakly there, so that hours later nothing may be left that could stop the run.
 */
export function stopAt(until: Date, other: AbortSignal): { signal: AbortSignal; release: () => void } {
  const controller = new AbortController()
  const stop = () => controller.abort(other.reason)
  let timer: ReturnType<typeof setTimeout>
  const wait = (): void => {
    const left = until.getTime() - Date.now()
    if (left <= 0) stop()
    else timer = setTimeout(wait, Math.min(left, LONGEST))
  }
  wait()
  if (other.aborted) stop()
  other.addEventListener('abort', stop)
  return {
    signal: controller.signal,
    release() {
      clearTimeout(timer)
      other.removeEventListener('abort', stop)
    },
  }
}

const stopped = (file: string, { aborted }: AbortSignal): LatentError =>
  new LatentError(aborted ? 'E_INTERRUPTED' : 'E_PARTIAL', 'the queue was stopped; checkpoints are written', {
    hint: `latent train --queue ${file} goes on`,
  })

async function firstUnfinished(entries: readonly Entry[], failed: ReadonlySet<string>): Promise<Entry | undefined> {
  for (const entry of entries) {
    const folder = runFolder(entry.recipe, entry)
    if (failed.has(folder)) continue
    // One that cannot be read is for the run to complain of.
    const position = await runPosition(folder).catch(() => undefined)
    if (!position || !(position.ended || position.step >= entry.steps)) return entry
  }
  return undefined
}

/** JSON lines, or one JSON array. Blank lines and lines that begin with # are passed over. */
export async function readQueue(file: string, defaults: Pick<RunRecipeOptions, 'data' | 'threads'>): Promise<Entry[]> {
  const text = await readFile(file, 'utf8').catch((error: unknown) => {
    throw ioError(error, `cannot read ${file}`)
  })
  const malformed = (place: string, why: string) =>
    new LatentError('E_ARGUMENT', `${place} of ${file} ${why}`, {
      hint:
        'a line is such as {"recipe": "denoiser", "profile": "compact", "steps": 1500, "seed": 1, "out": ' +
        '"runs/denoiser"}',
    })
  const parse = (json: string, place: string): unknown => {
    try {
      return JSON.parse(json)
    } catch {
      throw malformed(place, 'is no JSON')
    }
  }
  const lines: [place: string, value: unknown][] = text.trimStart().startsWith('[')
    ? (parse(text, 'the array') as unknown[]).map((value, i) => [`entry ${i + 1}`, value])
    : text
        .split('\n')
        .flatMap((line, i): [string, unknown][] =>
          line.trim() === '' || line.trimStart().startsWith('#')
            ? []
            : [[`line ${i + 1}`, parse(line, `line ${i + 1}`)]],
        )
  return lines.map(([place, value]) => entryOf(value, defaults, why => malformed(place, why)))
}

function entryOf(
  value: unknown,
  defaults: Pick<RunRecipeOptions, 'data' | 'threads'>,
  malformed: (why: string) => LatentError,
): Entry {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw malformed('is no object')
  for (const [name, content] of Object.entries(value)) {
    const type = Object.hasOwn(FIELDS, name) ? FIELDS[name as keyof typeof FIELDS] : undefined
    if (type === undefined) throw malformed(`has the unknown field ${JSON.stringify(name)}`)
    if (typeof content !== type || (type === 'number' && !(Number.isSafeInteger(content) && (content as number) >= 0)))
      throw malformed(
        `has ${name} ${JSON.stringify(content)}, and a ${type === 'number' ? 'whole number' : 'text'} is expected`,
      )
  }
  const { recipe, steps, profile = 'compact', seed = 1, ...rest } = value as Partial<Entry>
  if (recipe === undefined || steps === undefined)
    throw malformed(`has no ${recipe === undefined ? 'recipe' : 'steps'}`)
  if (profile !== 'compact' && profile !== 'paper')
    throw malformed(`has the profile ${JSON.stringify(profile)}, and compact or paper is expected`)
  if (rest.backend !== undefined && !Object.hasOwn(BACKENDS, rest.backend))
    throw malformed(
      `has the backend ${JSON.stringify(rest.backend)}, and ${Object.keys(BACKENDS).join(', ')} are known`,
    )
  findRecipe(recipe)
  return { ...defaults, ...rest, recipe, steps, profile: profile satisfies Profile, seed, resume: true }
}

const note = (file: string, entry: object): Promise<void> =>
  appendJsonLines(`${file}.log`, [{ time: new Date().toISOString(), ...entry }])

/** `90s`, `30m`, `2h` from now, or a time of day `HH:MM`, the next one. @throws E_ARGUMENT */
export function deadline(text: string, now = new Date()): Date {
  const [, amount, unit] = /^(\d+(?:\.\d+)?)(s|m|h)$/.exec(text) ?? []
  if (amount !== undefined)
    return new Date(now.getTime() + Number(amount) * { s: 1e3, m: 6e4, h: 36e5 }[unit as 's' | 'm' | 'h'])
  const [, hour, minute] = /^([01]?\d|2[0-3]):([0-5]\d)$/.exec(text) ?? []
  if (hour === undefined)
    throw new LatentError(
      'E_ARGUMENT',
      `expected a time of day such as 06:30 or a duration such as 2h, received ${JSON.stringify(text)}`,
    )
  const at = new Date(now)
  at.setHours(Number(hour), Number(minute), 0, 0)
  if (at <= now) at.setDate(at.getDate() + 1)
  return at
}
