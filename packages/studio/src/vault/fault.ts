import { LatentError } from '@latent/core'

/** What went wrong, as the command line says it. */
export interface Fault {
  readonly code: string
  readonly message: string
  readonly hint?: string | undefined
}

/** What came of something that can go wrong: faults cross to the page as values. */
export type Outcome<T> = { readonly value: T } | { readonly fault: Fault }

/** What came of it, errors as values. */
export async function outcome<T>(work: () => Promise<T>): Promise<Outcome<T>> {
  try {
    return { value: await work() }
  } catch (error) {
    return { fault: faultOf(error) }
  }
}

/** An error as a page shows it. Errors that are not ours are defects. */
export const faultOf = (error: unknown): Fault =>
  error instanceof LatentError
    ? { code: error.code, message: error.message, hint: error.hint }
    : {
        code: 'E_INTERNAL',
        message: `a defect of latent itself: ${error instanceof Error ? error.message : String(error)}`,
        hint: 'load the page again; if it comes back, report it',
      }
