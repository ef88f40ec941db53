import { formatBytes, formatSeconds } from './format.ts'

/** Shows one line on a terminal: how much of the work is done, how fast, and how long it will take. */
export interface Progress {
  total(units: number): void
  add(units: number): void
  /** Prints a line above the display. */
  note(line: string): void
  end(): void
}

let clear = () => {}

/** Wipes an unfinished display, before an error message. */
export const clearProgress = (): void => clear()

const quiet: Progress = { total() {}, add() {}, note: line => void process.stderr.write(`${line}\n`), end() {} }

/** On standard error if it is a terminal; otherwise notes alone. `show` names an amount of work: bytes unless said otherwise. */
export function progressBar(label: string, enabled = true, show: (units: number) => string = formatBytes): Progress {
  const out = process.stderr
  if (!enabled) return { ...quiet, note() {} }
  if (!out.isTTY) return quiet
  let started = performance.now()
  let [total, done, drawn] = [0, 0, 0]

  function draw(force = false): void {
    const now = performance.now()
    if (!force && now - drawn < 100) return
    drawn = now
    const seconds = (now - started) / 1000
    const rate = done / Math.max(seconds, 0.001)
    const share = total > 0 ? Math.min(1, done / total) : 0
    const left = rate > 0 && total > done ? `, ${formatSeconds((total - done) / rate)} left` : ''
    const text = `${label} ${'█'.repeat(Math.round(share * 20)).padEnd(20, '░')} ${Math.round(share * 100)} %  ${show(done)} of ${show(total)}  ${show(rate)}/s${left}`
    out.write(`\r\x1b[2K${text.slice(0, Math.max(20, out.columns - 1))}`)
  }
  const wipe = () => void out.write('\r\x1b[2K')
  clear = wipe
  return {
    total(units) {
      total = units
      started = performance.now()
      draw(true)
    },
    add(units) {
      done += units
      draw()
    },
    note(line) {
      wipe()
      out.write(`${line}\n`)
      draw(true)
    },
    end() {
      wipe()
      clear = () => {}
    },
  }
}
