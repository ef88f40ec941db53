import { batch, type Signal, signal } from '@preact/signals-core'
import type { Fault, Outcome } from '../vault/fault.ts'
import { TRAINABLE, type Trainable } from './trainable.ts'
import type { Progress, Samples, TrainBackend, TrainChoice } from './trainer.ts'

/** Whoever does the work: a worker in a page, and in tests the same code beside them. */
export interface TrainEngine {
  digits(file: Blob | undefined, report: (share: number) => void): Promise<Outcome<number>>
  open(choice: TrainChoice): Promise<Outcome<{ readonly backend: TrainBackend; readonly steps: number }>>
  /** @returns whether it has come to the end */
  train(): Promise<Outcome<boolean>>
  pause(): void
  weights(): Promise<Outcome<Uint8Array>>
  /** Lets go of everything at once. */
  stop(): void
}

/** Starts an engine that tells how it goes on. */
export type StartEngine = (
  progress: (progress: Progress) => void,
  samples: (samples: Samples) => void,
) => Promise<TrainEngine>

/** What the train view does. */
export type Phase =
  | { readonly is: 'idle' }
  | { readonly is: 'loading' }
  /** Digits are drawn, or read. */
  | { readonly is: 'digits'; readonly share: number }
  | { readonly is: 'opening' }
  | { readonly is: 'training' }
  /** Told to pause, and not yet there. */
  | { readonly is: 'pausing' }
  | { readonly is: 'paused' }
  | { readonly is: 'done' }

/** What the train view shows. Knows no page. */
export class TrainState {
  readonly scheme: Signal<Trainable> = signal(TRAINABLE[0])
  readonly backend: Signal<TrainBackend> = signal('wasm')
  /** The file whose digits are learned from; drawn ones without. */
  readonly file: Signal<File | undefined> = signal(undefined)
  readonly phase: Signal<Phase> = signal({ is: 'idle' })
  readonly fault: Signal<Fault | undefined> = signal(undefined)
  /** What the training at hand is of, and where it really runs. */
  readonly running: Signal<(TrainChoice & { readonly digits: number; readonly drawn: boolean }) | undefined> =
    signal(undefined)
  readonly curve: Signal<readonly Progress[]> = signal([])
  readonly samples: Signal<Samples | undefined> = signal(undefined)
  readonly #start: StartEngine
  #engine: TrainEngine | undefined
  #turn = 0

  constructor(start: StartEngine) {
    this.#start = start
  }

  /** Begins a training. */
  async begin(): Promise<void> {
    if (this.phase.value.is !== 'idle' && this.phase.value.is !== 'done') return
    this.stop()
    const turn = this.#turn
    const [scheme, backend, file] = [this.scheme.value, this.backend.value, this.file.value]
    this.phase.value = { is: 'loading' }
    /** What a training that was stopped still says is heard by nobody. */
    const current = <T extends unknown[]>(hear: (...said: T) => void) => {
      return (...said: T) => {
        if (turn === this.#turn) hear(...said)
      }
    }
    const mine = await this.#start(
      current(progress => (this.curve.value = [...this.curve.value, progress])),
      current(samples => (this.samples.value = samples)),
    )
    if (turn !== this.#turn) return mine.stop()
    this.#engine = mine
    this.phase.value = { is: 'digits', share: 0 }
    const drawn = current((share: number) => (this.phase.value = { is: 'digits', share }))
    const count = await this.#of(mine, mine.digits(file, drawn))
    if (count === undefined) return
    this.phase.value = { is: 'opening' }
    const opened = await this.#of(mine, mine.open({ scheme, backend }))
    if (opened === undefined) return
    this.running.value = { scheme, backend: opened.backend, digits: count, drawn: file === undefined }
    await this.#train(mine)
  }

  pause(): void {
    if (this.phase.value.is !== 'training') return
    this.phase.value = { is: 'pausing' }
    this.#engine?.pause()
  }

  async goOn(): Promise<void> {
    if (this.phase.value.is === 'paused') await this.#train(this.#engine!)
  }

  /** Lets go of the training; what it has learned is lost unless it was saved. */
  stop(): void {
    this.#turn++
    this.#engine?.stop()
    this.#engine = undefined
    batch(() => {
      this.phase.value = { is: 'idle' }
      this.fault.value = undefined
      this.running.value = undefined
      this.curve.value = []
      this.samples.value = undefined
    })
  }

  /** The weights as they are now; nothing where there is no training. */
  async weights(): Promise<Uint8Array | undefined> {
    const engine = this.#engine
    return engine && this.#of(engine, engine.weights())
  }

  async #train(engine: TrainEngine): Promise<void> {
    this.phase.value = { is: 'training' }
    const finished = await this.#of(engine, engine.train())
    if (finished !== undefined) this.phase.value = { is: finished ? 'done' : 'paused' }
  }

  /** What came of it; nothing where it failed, or was stopped meanwhile. */
  async #of<T>(engine: TrainEngine, work: Promise<Outcome<T>>): Promise<T | undefined> {
    const outcome = await work
    if (engine !== this.#engine) return undefined
    if ('value' in outcome) return outcome.value
    const { fault } = outcome
    this.stop()
    this.fault.value = fault
    return undefined
  }
}
