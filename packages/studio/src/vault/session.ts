import { batch, computed, type ReadonlySignal, type Signal, signal } from '@preact/signals-core'
import type { Engine } from './engine.ts'
import type { Fault } from './fault.ts'
import type { GatheredFile } from './gather.ts'
import type { Found } from './intake.ts'
import type { Intent } from './intent.ts'
import type { KeyChoice } from './keys.ts'
import { Pace } from './pace.ts'
import type { PlaceChoice } from './place.ts'
import type { Finished } from './seal-file.ts'

/** How far a file is. */
export type Stage =
  | { readonly is: 'looking' }
  | { readonly is: 'waiting' }
  | { readonly is: 'working' }
  | { readonly is: 'done'; readonly result: Finished }
  /** A robust carrier that was read: what it holds is in the queue now. Is all of its set there? */
  | { readonly is: 'gathered'; readonly whole: boolean }
  | { readonly is: 'failed'; readonly fault: Fault }
  | { readonly is: 'stopped' }

/** A file in the queue. */
export interface Entry {
  readonly id: number
  readonly file: File
  /** With `/` between folders. */
  readonly path: string
  /** Of the file: Chromium asks another process whenever a chosen file is asked for it. */
  readonly size: number
  readonly intent: Signal<Intent>
  /** Where it is opened, it is read as a robust carrier, together with others. */
  readonly robust: Signal<boolean>
  /** Of a sealed file that robust carriers held: which, and what is amiss with them. */
  readonly gathered?: Pick<GatheredFile, 'from' | 'remark'>
  readonly stage: Signal<Stage>
  /** Bytes passed over; all is done at twice the size of the file. */
  readonly passed: Signal<number>
}

/** The whole queue at a glance. */
export interface Totals {
  readonly toSeal: number
  readonly toOpen: number
  readonly done: number
  readonly failed: number
  /** Of files that wait or are worked on, and those done in this run. */
  readonly share: number
  /** Bytes of files a second, once it can be told. */
  readonly rate: number | undefined
  readonly secondsLeft: number | undefined
}

/** Where sealed and opened files go. */
export interface Places {
  readonly sealed: PlaceChoice
  readonly opened: PlaceChoice
}

/** Files that are worked on at once: while one is written another keeps the processor busy. */
const AT_ONCE = 3
/** So many where they are small, of at most so many bytes: they wait for storage and other threads most of the time. */
const [SMALL_AT_ONCE, SMALL_BYTES] = [6, 4e6]
/** No rate is told before so many seconds. */
const SETTLED = 1

/** The queue of the vault view: what is in it, what happens to it, how far it is. Knows no page. */
export class VaultSession {
  readonly entries: Signal<readonly Entry[]> = signal([])
  readonly running = signal(false)
  /** What is wrong with the key, or what should be known of it. */
  readonly keyFault: Signal<Fault | undefined> = signal(undefined)
  readonly warnings: Signal<readonly Fault[]> = signal([])
  readonly totals: ReadonlySignal<Totals> = computed(() => this.#totals())
  readonly results: ReadonlySignal<readonly Finished[]> = computed(() =>
    this.entries.value.flatMap(({ stage: { value } }) => (value.is === 'done' ? [value.result] : [])),
  )
  readonly #engine: Engine
  readonly #now: () => number
  #nextId = 1
  readonly #started: Signal<number | undefined> = signal(undefined)
  readonly #pace = new Pace()
  /** Files that are worked on, which may not be shown yet: those that are shown so may be done. */
  readonly #underWay = new Set<Entry>()
  #passedBefore = 0
  #stopping = false

  constructor(engine: Engine, now: () => number = () => performance.now()) {
    this.#engine = engine
    this.#now = now
  }

  /** Adds files, and looks at each whether it is sealed. A file that waits already is not added again. */
  async add(found: readonly Found[]): Promise<void> {
    const waiting = new Set(this.entries.value.map(entry => sameFile(entry)))
    const added = found.filter(each => !waiting.has(sameFile(each))).map(each => this.#entry(each, { is: 'looking' }))
    this.entries.value = [...this.entries.value, ...added]
    for (const entry of added) {
      const { intent, robust } = await this.#engine.lookAt(entry.file)
      this.#pace.soon(() => {
        entry.intent.value = intent
        entry.robust.value = robust
        entry.stage.value = { is: 'waiting' }
      })
    }
    this.#pace.catchUp()
  }

  /** Seals what would be opened, or the other way round. */
  turn(entry: Entry): void {
    if (this.#underWay.has(entry)) return
    entry.intent.value = entry.intent.value === 'seal' ? 'open' : 'seal'
    this.#wait(entry)
  }

  /** Takes a file out of the queue; its result, if it has one, is let go of. */
  remove(entry: Entry): void {
    this.#engine.cancel(entry.id)
    this.entries.value = this.entries.value.filter(other => other !== entry)
  }

  /** Empties the queue of what is done. */
  clearDone(): void {
    this.entries.value = this.entries.value.filter(({ stage: { value } }) => !['done', 'gathered'].includes(value.is))
  }

  /** Puts what failed or was stopped back into the queue. */
  retry(entries: readonly Entry[] = this.entries.value): void {
    for (const entry of entries)
      if (entry.stage.value.is === 'failed' || entry.stage.value.is === 'stopped') this.#wait(entry)
  }

  /** Works through everything that waits. Ends early, with `keyFault` set, where the key is none. */
  async start(key: KeyChoice, places: Places): Promise<void> {
    if (this.running.value) return
    batch(() => {
      this.running.value = true
      this.#started.value = undefined
      this.keyFault.value = undefined
      this.warnings.value = []
    })
    this.#stopping = false
    for (const entry of this.entries.value) if (entry.stage.value.is === 'stopped') this.#wait(entry)
    try {
      const waiting = () =>
        this.entries.value.filter(entry => entry.stage.value.is === 'waiting' && !this.#underWay.has(entry))
      const sealing = waiting().some(({ intent: { value } }) => value === 'seal')
      const unlocked = await this.#engine.unlock(key, sealing)
      if ('fault' in unlocked) {
        this.keyFault.value = unlocked.fault
        return
      }
      this.warnings.value = unlocked.value.warnings
      this.#passedBefore = this.#passed()
      this.#started.value = this.#now()
      await this.#gather(waiting())
      const next = (most: number) => (this.#stopping ? undefined : waiting().find(({ size }) => size <= most))
      await Promise.all(
        Array.from({ length: SMALL_AT_ONCE }, async (_, lane) => {
          const most = lane < AT_ONCE ? Number.POSITIVE_INFINITY : SMALL_BYTES
          for (let entry = next(most); entry; entry = next(most)) await this.#work(entry, places)
        }),
      )
    } finally {
      batch(() => {
        this.#pace.catchUp()
        this.running.value = false
      })
    }
  }

  /** Ends the run: what is under way is given up and its traces removed, the rest waits. */
  stop(): void {
    this.#stopping = true
    for (const { id } of this.#underWay) this.#engine.cancel(id)
  }

  /**
   * Reads the robust carriers among what waits, with those before them whose sets lacked parts, and puts what they hold
   * into the queue.
   */
  async #gather(waiting: readonly Entry[]): Promise<void> {
    const fresh = waiting.filter(({ intent, robust }) => intent.value === 'open' && robust.value)
    if (fresh.length === 0 || this.#stopping) return
    const earlier = this.entries.value.filter(({ stage: { value } }) => value.is === 'gathered' && !value.whole)
    const pictures = [...earlier, ...fresh]
    for (const entry of pictures) {
      this.#underWay.add(entry)
      entry.stage.value = { is: 'working' }
      entry.passed.value = 0
    }
    const byId = new Map(pictures.map(entry => [entry.id, entry]))
    const outcome = await this.#engine.gather(
      pictures.map(({ id, file, path }) => ({ id, file, path })),
      (id, bytes) => this.#pace.soon(() => (byId.get(id)!.passed.value += bytes)),
    )
    this.#pace.catchUp()
    batch(() => {
      for (const entry of pictures) this.#underWay.delete(entry)
      if ('fault' in outcome) {
        for (const entry of pictures) this.#fail(entry, outcome.fault)
        return
      }
      const { files, faults } = outcome.value
      const lacking = new Set(files.flatMap(({ whole, from }) => (whole ? [] : from)))
      for (const { id, stage } of pictures) stage.value = { is: 'gathered', whole: !lacking.has(id) }
      for (const { id, fault } of faults) this.#fail(byId.get(id)!, fault)
      const before = this.entries.value.filter(({ gathered }) => !gathered?.from.some(id => byId.has(id)))
      this.entries.value = [...before, ...files.map(file => this.#entry(file, { is: 'waiting' }, file))]
    })
  }

  #entry({ file, path }: Found, stage: Stage, gathered?: GatheredFile): Entry {
    return {
      id: this.#nextId++,
      file,
      path,
      size: file.size,
      intent: signal<Intent>(gathered ? 'open' : 'seal'),
      robust: signal(false),
      stage: signal<Stage>(stage),
      passed: signal(0),
      ...(gathered ? { gathered } : {}),
    }
  }

  #fail({ stage, passed, gathered }: Entry, fault: Fault): void {
    passed.value = 0
    const remark = gathered?.remark === undefined ? '' : `${gathered.remark}; `
    stage.value =
      fault.code === 'E_INTERRUPTED'
        ? { is: 'stopped' }
        : { is: 'failed', fault: { ...fault, message: remark + fault.message } }
  }

  async #work(entry: Entry, places: Places): Promise<void> {
    const { id, file, path, size, intent, stage, passed } = entry
    this.#underWay.add(entry)
    this.#pace.soon(() => (stage.value = { is: 'working' }))
    const place = intent.value === 'seal' ? places.sealed : places.opened
    const outcome = await this.#engine.run({ id, intent: intent.value, file, path, place }, bytes =>
      this.#pace.soon(() => (passed.value = Math.min(2 * size, passed.value + bytes))),
    )
    this.#pace.soon(() => {
      this.#underWay.delete(entry)
      if ('fault' in outcome) return this.#fail(entry, outcome.fault)
      passed.value = 2 * size
      stage.value = { is: 'done', result: outcome.value }
    })
  }

  #wait(entry: Entry): void {
    entry.passed.value = 0
    entry.stage.value = { is: 'waiting' }
  }

  #passed(): number {
    return this.entries.value.reduce((sum, { passed }) => sum + passed.value, 0) / 2
  }

  #totals(): Totals {
    const of = (...stages: readonly Stage['is'][]) =>
      this.entries.value.filter(({ stage }) => stages.includes(stage.value.is))
    const open = of('waiting', 'working')
    const bytes = [...open, ...of('done', 'gathered')].reduce((sum, { size }) => sum + size, 0)
    const passed = this.#passed()
    const seconds = (this.#now() - (this.#started.value ?? Number.POSITIVE_INFINITY)) / 1000
    const rate =
      this.running.value && seconds >= SETTLED && passed > this.#passedBefore
        ? (passed - this.#passedBefore) / seconds
        : undefined
    return {
      toSeal: open.filter(({ intent }) => intent.value === 'seal').length,
      toOpen: open.filter(({ intent }) => intent.value === 'open').length,
      done: of('done').length,
      failed: of('failed').length,
      share: bytes === 0 ? 0 : passed / bytes,
      rate,
      secondsLeft: rate === undefined ? undefined : (bytes - passed) / rate,
    }
  }
}

const sameFile = ({ file, path }: Found): string => [path, file.size, file.lastModified].join('\n')
