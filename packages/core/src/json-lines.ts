/** Values as JSON, one a line: what a log is made of that survives a kill. */
export const jsonLines = (values: readonly unknown[]): string =>
  values.map(value => `${JSON.stringify(value)}\n`).join('')

/**
 * What such a log holds. A line without its end was cut short by a kill, and one that is no JSON is such a line
 * with a later one behind it: what they would have said is not known, so both are passed over.
 */
export function parseJsonLines(text: string): {
  readonly values: unknown[]
  /** Characters up to the last line's end. */ readonly length: number
} {
  const length = text.lastIndexOf('\n') + 1
  return {
    values: text
      .slice(0, length)
      .split('\n')
      .flatMap(line => parsed(line)),
    length,
  }
}

function parsed(line: string): unknown[] {
  try {
    return line === '' ? [] : [JSON.parse(line)]
  } catch {
    return []
  }
}
