import type { Ran } from './project.ts'

/** What was checked, as it is printed; the first failure ends the run. */
export function ok(what: string): void {
  process.stdout.write(`ok       ${what}\n`)
}

export function skipped(what: string, why: string): void {
  process.stdout.write(`SKIPPED  ${what}: ${why}\n`)
}

/** @throws with what was printed, unless it is as expected */
export function expectRan(
  what: string,
  { code, out, err }: Ran,
  expected: { readonly code?: number; readonly out?: RegExp; readonly err?: RegExp } = {},
): void {
  const problems = [
    code === (expected.code ?? 0) ? [] : `exit code ${code}, expected ${expected.code ?? 0}`,
    expected.out && !expected.out.test(out) ? `standard output is not ${expected.out}` : [],
    expected.err && !expected.err.test(err) ? `standard error is not ${expected.err}` : [],
  ].flat()
  if (problems.length > 0) throw new Error(`${what}: ${problems.join('; ')}\n${out}\n${err}`)
}

export function expectTrue(what: string, condition: boolean): asserts condition {
  if (!condition) throw new Error(`${what}: not so`)
}

export const kilobytes = (bytes: number): string => `${(bytes / 1000).toFixed(0)} kB`
