import { clearProgress } from '../progress.ts'
import { errorLines, jsonLine } from '../terminal.ts'

/** What does not stop a command, but has to be said. Codes are stable; they are listed in `docs/keys.md`. */
export interface KeyWarning {
  readonly code:
    | 'W_IDENTITY_SKIPPED'
    | 'W_KEY_READABLE'
    | 'W_MIXED_RECIPIENTS'
    | 'W_PASSPHRASE_FORM'
    | 'W_PASSPHRASE_LINES'
    | 'W_PASSPHRASE_SPACES'
    | 'W_PASSPHRASE_WEAK'
    | 'W_KEY_NOT_RANDOM'
    | 'W_PASSWORD_IN_ARGUMENT'
  readonly message: string
  readonly hint: string
}

/** Tells of a key that works and should not be used so. */
export type Warn = (warning: KeyWarning) => void

/** On standard error, and as a line of JSON on standard output where that is asked for. */
export const warnings =
  (json = false): Warn =>
  warning => {
    clearProgress()
    process.stderr.write(`warning: ${errorLines(warning, '  ')}\n`)
    if (json) process.stdout.write(jsonLine({ warning }))
  }
