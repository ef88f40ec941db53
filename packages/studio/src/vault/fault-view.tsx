import { strings } from '../strings.ts'
import type { Fault } from './fault.ts'

/** An error in the words of the command line: the sentence, its code, and what to do. */
export function FaultView({ fault: { message, code, hint } }: { readonly fault: Fault }) {
  return (
    <p class="fault" role="alert">
      {message} <code>[{code}]</code>
      {hint === undefined ? null : (
        <span class="hint">
          <span class="visually-hidden">{strings.vault.hint} </span>
          {hint}
        </span>
      )}
    </p>
  )
}
