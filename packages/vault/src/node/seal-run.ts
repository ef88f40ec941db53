import type { Destination } from '@latent/core/node'
import type { FlowProvider } from '../bodies/index.ts'
import type { Album, Keyring, Lock } from '../envelope.ts'
import type { SealOptions } from '../seal.ts'
import type { FileThreads } from './file-threads.ts'
import type { Journal } from './journal.ts'
import type { Entry } from './journal-state.ts'
import type { RunWatcher } from './run.ts'
import type { Targets } from './targets.ts'

/** What `sealFiles` is asked for. */
export interface SealRun {
  readonly inputs: readonly string[]
  readonly output: string
  readonly album: Album
  /** Names the recipients (any text that differs when they do). */
  readonly lockName: string
  /** For whom the album is wrapped: what was sealed for others is wrapped anew, where the keyring opens it. */
  readonly lock?: Lock
  /** Opens what earlier runs made: tells what a lost journal knew. */
  readonly keyring?: Keyring
  readonly flows: FlowProvider
  /** Seal small files whole, with networks of their own. Without them every file is sealed on this thread. */
  readonly fileThreads?: FileThreads
  readonly body: SealOptions['body']
  readonly padding?: SealOptions['padding']
  /** Open every sealed file again, to the last byte, before it appears. Default true. */
  readonly check?: boolean
  /** Replace sealed files that the journal does not know. Nothing else is ever replaced. */
  readonly force?: boolean
  /** Compare contents where size and times say that nothing changed. */
  readonly reread?: boolean
  /** The folder in the inputs that is not looked into. Default: the output. */
  readonly leaveOut?: string
  /** Patterns of what to leave out. */
  readonly exclude?: readonly string[]
  /** Sources that are dealt with elsewhere. */
  readonly except?: ReadonlySet<string>
  /** Asked once, with the paths of sealed files whose sources are gone: shall they be removed? */
  readonly prune?: (stale: readonly string[]) => Promise<boolean>
  /** Give sealed files and their folders names that tell nothing; where each file lay is inside. */
  readonly hideNames?: boolean
  /** Files worked on at once. */
  readonly jobs?: number
  readonly watcher?: RunWatcher
  /** When it aborts, files under way are given up, no other is begun, and all of them are results: `interrupted`. */
  readonly signal?: AbortSignal
}

/** What the files of one run share. */
export interface SealContext {
  readonly run: SealRun
  readonly journal: Journal
  readonly targets: Targets
  readonly destination: Destination
  /** Of the folder that paths are relative to, and of who can open the files. */
  readonly marks: { readonly base: string; readonly lock: string }
  /** May this file's key be given to the recipients of this run, or would it open more to them than they were given? */
  readonly mayWrap: (entry: Entry) => boolean
  /** The album key of older files, for the recipients of this run; each distinct one is wrapped once. */
  readonly wrap: ((albumKey: Uint8Array) => Promise<Album>) | undefined
  readonly counts: Record<'rewrapped' | 'resealedForLock' | 'keyShared' | 'adopted' | 'damaged' | 'unmarked', number>
}
