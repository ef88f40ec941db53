import type { Album, Strength } from '@latent/vault'
import type { Fault, Outcome } from './fault.ts'
import type { Gathered, Picture } from './gather.ts'
import type { Intent, Look } from './intent.ts'
import type { KeyChoice, KeyFile, NewKey } from './keys.ts'
import type { PlaceChoice } from './place.ts'
import type { Finished } from './seal-file.ts'

/** One file to work on. */
export interface Job {
  readonly id: number
  readonly intent: Intent
  readonly file: File
  readonly path: string
  readonly place: PlaceChoice
}

/** What came of a key. */
export interface Unlocked {
  /** What a person should know before sealing with it. */
  readonly warnings: readonly Fault[]
  /** Where files are to be sealed. */
  readonly album?: Album
}

/** Whoever does the work: a worker in a page, and in tests the same code beside them. */
export interface Engine {
  lookAt(file: File): Promise<Look>
  /**
   * Takes the key for what follows. For sealing, an album is made: a passphrase takes about a second.
   * @param album the one that an engine before this one made: nobody is asked again for a passkey
   */
  unlock(choice: KeyChoice, sealing: boolean, album?: Album): Promise<Outcome<Unlocked>>
  /** @param report is called with bytes of the file inside; a job makes two passes */
  run(job: Job, report: (bytes: number) => void): Promise<Outcome<Finished>>
  /**
   * Reads robust carriers, and puts together what they hold.
   * @param report is called with bytes of a picture, twice its size in all
   */
  gather(pictures: readonly Picture[], report: (id: number, bytes: number) => void): Promise<Outcome<Gathered>>
  cancel(id: number): void
  readKeyFile(bytes: Uint8Array, passphrase?: string): Promise<Outcome<KeyFile>>
  newKey(): Promise<NewKey>
  drawPassphrase(): Promise<string>
  strengthOf(passphrase: string): Promise<Strength>
}
