import { batch } from '@preact/signals-core'

/** Nobody follows more, and drawing it takes time from the work. Milliseconds. */
const SHOWN_EVERY = 250

/** Makes the changes that a run brings together and now and then, so that as little as can be is drawn. */
export class Pace {
  #due: (() => void)[] = []
  #timer: ReturnType<typeof setTimeout> | undefined
  #last = Number.NEGATIVE_INFINITY

  /** Makes a change with the next ones: at the end of this turn, if none was made for a while. */
  soon(change: () => void): void {
    this.#due.push(change)
    const wait = Math.max(0, this.#last + SHOWN_EVERY - performance.now())
    this.#timer ??= setTimeout(() => this.catchUp(), wait)
  }

  /** Makes what is due. */
  catchUp(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    this.#last = performance.now()
    const due = this.#due
    this.#due = []
    batch(() => {
      for (const change of due) change()
    })
  }
}
