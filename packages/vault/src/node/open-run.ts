import type { FlowProvider } from '../bodies/index.ts'
import type { Keyring } from '../envelope.ts'
import type { PathSelection } from '../path-selection.ts'
import type { FileThreads } from './file-threads.ts'
import type { RunWatcher } from './run.ts'

/** What `openFiles` is asked for. */
export interface OpenRun {
  readonly inputs: readonly string[]
  readonly output: string
  readonly keyring: Keyring
  readonly flows: FlowProvider
  /** Open small files whole, with networks of their own. Without them every file is opened on this thread. */
  readonly fileThreads?: FileThreads
  readonly force?: boolean
  /**
   * A private folder in which the run keeps marks of what it opened, so that the next one into this output need not
   * read what has not changed. Without it, contents are compared.
   */
  readonly memory?: string | undefined
  /** Compare contents in spite of what is kept there. */
  readonly reread?: boolean
  /** Of the files inside, those alone whose paths are selected. It knows afterwards which patterns fitted nothing. */
  readonly only?: PathSelection
  /** Files of the inputs that are read in another way. */
  readonly except?: ReadonlySet<string>
  /** What else a folder is to hold, by a journal in it that is not of sealed PNGs: paths below it. */
  readonly listedBeside?: (folder: string) => Promise<readonly string[]>
  /** Write what is intact of damaged files, with zeros for what is missing. */
  readonly salvage?: boolean
  readonly jobs?: number
  readonly watcher?: RunWatcher
  /** When it aborts, files under way are given up, no other is begun, and all of them are results: `interrupted`. */
  readonly signal?: AbortSignal
}
