/** How far files are, by their numbers: bytes passed since it was last told. */
export type Passed = readonly (readonly [id: number, bytes: number])[]

/** No more is shown: see `pace.ts`. Milliseconds. */
const TOLD_EVERY = 250

/** Gathers what is reported of many files, and tells it now and then. */
export class Progress {
  readonly #tell: (passed: Passed) => void
  readonly #passed = new Map<number, number>()
  #waiting = false

  constructor(tell: (passed: Passed) => void) {
    this.#tell = tell
  }

  report = (id: number, bytes: number): void => {
    this.#passed.set(id, (this.#passed.get(id) ?? 0) + bytes)
    if (this.#waiting) return
    this.#waiting = true
    setTimeout(() => {
      this.#waiting = false
      const passed = [...this.#passed]
      this.#passed.clear()
      this.#tell(passed)
    }, TOLD_EVERY)
  }

  /** Of a file that is worked on no more: whatever came of it is told otherwise. */
  forget(id: number): void {
    this.#passed.delete(id)
  }
}
