import { formatBytes, formatSeconds } from '@latent/core'
import { visibleLines } from './terminal.ts'

/** Shows one line on a terminal: how much of the work is done, how fast, and how long it will take. */
export interface Progress {
  total(units: number): void
  add(units: number): void
  /** Prints a line above the display. */
  note(line: string): void
  /** Takes the display away while somebody is asked; not for longer than `work`. */
  aside<T>(work: () => Promise<T>): Promise<T>
  end(): void
}

let clear = () => {}

/** Wipes an unfinished display: before an error message, and however the process ends. */
export const clearProgress = (): void => clear()

/** Prints a line above whatever display there is. */
export const noteAbove = (line: string): void => above(line)

const plainLine = (line: string): void => void process.stderr.write(`${visibleLines(line)}\n`)
let above = plainLine

const quiet: Progress = { total() {}, add() {}, note: plainLine, aside: work => work(), end() {} }

const DRAW_MS = 100
// Long enough to smooth over a large file, short enough to notice that the work has slowed down.
const WINDOW_MS = 20_000

/**
 * How fast the work went lately, and how long the rest will take at that. Work that costs nothing
 * (files that are skipped) would spoil an average over the whole run.
 */
export class Pace {
  readonly #samples: { at: number; done: number }[]

  constructor(now: number) {
    this.#samples = [{ at: now, done: 0 }]
  }

  /** Units a second. */
  rate(now: number, done: number): number {
    const last = this.#samples.at(-1)!
    if (now - last.at >= DRAW_MS) this.#samples.push({ at: now, done })
    while (this.#samples.length > 2 && now - this.#samples[1]!.at > WINDOW_MS) this.#samples.shift()
    const first = this.#samples[0]!
    return ((done - first.done) * 1000) / Math.max(1, now - first.at)
  }
}

/** ", 12 s left"; nothing where nobody can tell; work that is read and not yet written is "finishing". */
export function timeLeft(total: number, done: number, rate: number): string {
  if (total <= 0) return ''
  const seconds = (total - done) / rate
  if (done >= total || seconds < 1) return ', finishing'
  return rate > 0 ? `, ${formatSeconds(seconds)} left` : ''
}

/**
 * On standard error if it is a terminal; otherwise notes alone. `show` names an amount of work: bytes unless said
 * otherwise.
 */
export function progressBar(title: string, enabled = true, show: (units: number) => string = formatBytes): Progress {
  const out = process.stderr
  if (!enabled) return { ...quiet, note() {} }
  if (!out.isTTY) return quiet
  let pace = new Pace(performance.now())
  let [total, done, drawn] = [0, 0, 0]
  let isAside = false

  function draw(force = false): void {
    const now = performance.now()
    if (isAside || (!force && now - drawn < DRAW_MS)) return
    drawn = now
    const rate = pace.rate(now, done)
    const share = total > 0 ? Math.min(1, done / total) : 0
    const text =
      `${title} ${'█'.repeat(Math.round(share * 20)).padEnd(20, '░')} ${Math.floor(share * 100)} ` +
      `%  ${show(done)} of ${show(total)}  ${show(rate)}/s${timeLeft(total, done, rate)}`
    out.write(`\r\x1b[2K${text.slice(0, Math.max(20, out.columns - 1))}`)
  }
  const wipe = () => void out.write('\r\x1b[2K')
  // The time that is left grows while nothing comes in.
  const timer = setInterval(() => draw(true), 1000).unref()
  const end = () => {
    clearInterval(timer)
    process.off('exit', end)
    if (clear !== end) return
    wipe()
    clear = () => {}
    above = plainLine
  }
  clear = end
  const note = (line: string) => {
    wipe()
    out.write(`${visibleLines(line)}\n`)
    if (clear === end) draw(true)
  }
  above = note
  process.once('exit', end)
  return {
    total(units) {
      total = units
      pace = new Pace(performance.now())
      draw(true)
    },
    add(units) {
      done += units
      draw()
    },
    note,
    async aside(work) {
      wipe()
      isAside = true
      try {
        return await work()
      } finally {
        isAside = false
      }
    },
    end,
  }
}
