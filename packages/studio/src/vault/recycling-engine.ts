import type { Album } from '@latent/vault'
import type { Engine, Job } from './engine.ts'
import type { Outcome } from './fault.ts'
import type { Gathered, Picture } from './gather.ts'
import type { KeyChoice } from './keys.ts'
import type { Finished } from './seal-file.ts'

/** An engine that can be let go of, with all the memory that it took. */
export interface Disposable {
  readonly engine: Engine
  readonly stop: () => void
}

/** After so much one engine is let go of and another started: WebAssembly gives no memory back. */
export interface Endurance {
  readonly files: number
  readonly bytes: number
}

interface Generation extends Disposable {
  /** Settled when the engine has taken the key. */
  readonly ready: Promise<unknown>
  files: number
  bytes: number
  running: number
  worn: boolean
}

/** Starts engines one after the other, each for a while; files under way are finished where they began. */
export class RecyclingEngine implements Engine {
  readonly #start: () => Disposable
  readonly #endurance: Endurance
  readonly #where = new Map<number, Generation>()
  #unlocked: readonly [KeyChoice, boolean, Album?] | undefined
  #current: Generation

  constructor(start: () => Disposable, endurance: Endurance) {
    this.#start = start
    this.#endurance = endurance
    this.#current = this.#next()
  }

  lookAt = (file: File) => this.#current.engine.lookAt(file)
  readKeyFile = (bytes: Uint8Array, passphrase?: string) => this.#current.engine.readKeyFile(bytes, passphrase)
  newKey = () => this.#current.engine.newKey()
  drawPassphrase = () => this.#current.engine.drawPassphrase()
  strengthOf = (passphrase: string) => this.#current.engine.strengthOf(passphrase)

  async unlock(choice: KeyChoice, sealing: boolean) {
    this.#unlocked = [choice, sealing]
    const unlocked = await this.#current.engine.unlock(choice, sealing)
    if ('value' in unlocked && unlocked.value.album) this.#unlocked = [choice, sealing, unlocked.value.album]
    return unlocked
  }

  run(job: Job, report: (bytes: number) => void): Promise<Outcome<Finished>> {
    return this.#wearing([job], engine => engine.run(job, report))
  }

  gather(pictures: readonly Picture[], report: (id: number, bytes: number) => void): Promise<Outcome<Gathered>> {
    return this.#wearing(pictures, engine => engine.gather(pictures, report))
  }

  async #wearing<T>(
    files: readonly { readonly id: number; readonly file: File }[],
    work: (engine: Engine) => Promise<T>,
  ): Promise<T> {
    const generation = this.#current
    generation.files += files.length
    generation.bytes += files.reduce((sum, { file }) => sum + file.size, 0)
    generation.running++
    for (const { id } of files) this.#where.set(id, generation)
    if (generation.files >= this.#endurance.files || generation.bytes >= this.#endurance.bytes) {
      generation.worn = true
      this.#current = this.#next()
    }
    try {
      await generation.ready
      return await work(generation.engine)
    } finally {
      generation.running--
      for (const { id } of files) this.#where.delete(id)
      if (generation.worn && generation.running === 0) generation.stop()
    }
  }

  cancel(id: number): void {
    this.#where.get(id)?.engine.cancel(id)
  }

  #next(): Generation {
    const started = this.#start()
    const ready = this.#unlocked ? started.engine.unlock(...this.#unlocked) : Promise.resolve()
    return { ...started, ready, files: 0, bytes: 0, running: 0, worn: false }
  }
}
