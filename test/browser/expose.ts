import { pack, unpack } from './transport.ts'

/** What came of a call in a page. Errors cross the border as text, with the hint that coded errors carry. */
export type Outcome = { readonly result: unknown } | { readonly error: string }

/** Runs in the page: makes a script's functions callable from `openPage`. */
export function expose(script: Readonly<Record<string, unknown>>): void {
  const call = async (name: string, args: string): Promise<string> => {
    try {
      const result = await (script[name] as (...args: unknown[]) => unknown)(...(unpack(args) as unknown[]))
      return pack({ result } satisfies Outcome)
    } catch (error) {
      const hint = (error as { hint?: string }).hint
      return pack({
        error: `${error instanceof Error ? error.stack : String(error)}${hint === undefined ? '' : ` (${hint})`}`,
      } satisfies Outcome)
    }
  }
  Object.assign(globalThis, { callPageScript: call })
}
