import { rawByte } from '@latent/core'
import { once } from 'node:events'

// Controls (C0, DEL, C1), line and paragraph separators, marks that turn the direction of writing, and half surrogates.
// oxlint-disable-next-line no-control-regex
const UNSEEN = /[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]/gu

const SHORT: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' }

/**
 * Foreign text as a terminal may see it, on one line: names and whatever else Latent did not write
 * itself. What would move the cursor, change colours, end the line or turn the direction of writing
 * is spelled out. Every message passes through here; JSON has {@link jsonLine}.
 */
export function visible(text: string): string {
  // Most names are plain: looking at them once is a tenth of the work.
  if (/^[ -~]*$/.test(text)) return text
  return text.replaceAll(UNSEEN, char => {
    const code = char.codePointAt(0)!
    const byte = rawByte(char) ?? (code < 0x80 ? code : undefined)
    return (
      SHORT[char] ??
      (byte === undefined ? `\\u${code.toString(16).padStart(4, '0')}` : `\\x${byte.toString(16).padStart(2, '0')}`)
    )
  })
}

/** The same for text of several lines. */
export const visibleLines = (text: string): string => text.split('\n').map(visible).join('\n')

/** A template whose values are foreign text: `` shown`report: ${path}\n` ``. */
export const shown = (literals: TemplateStringsArray, ...values: readonly (string | number)[]): string =>
  String.raw({ raw: literals }, ...values.map(value => visible(String(value))))

/**
 * A value as one line of JSON that no terminal can take amiss: characters that JSON leaves as they are become escapes.
 */
export const jsonLine = (value: unknown): string =>
  `${JSON.stringify(value).replaceAll(UNSEEN, char => `\\u${char.codePointAt(0)!.toString(16).padStart(4, '0')}`)}\n`

/** An error's two lines, with its code. */
export function errorLines(
  { message, code, hint }: { readonly message: string; readonly code: string; readonly hint?: string | undefined },
  indent = '',
): string {
  return `${visible(message)} [${code}]${hint === undefined ? '' : `\n${indent}hint: ${visible(hint)}`}`
}

/** A table for a terminal, whatever the cells hold: the first row is the heading, numbers are set to the right. */
export const formatTable = (cells: readonly (readonly string[])[]): string => Array.from(tableLines(cells)).join('\n')

/** The same line by line, for long tables: cells are held, for their widths, and lines are not. */
export function* tableLines(cells: Iterable<readonly string[]>): Generator<string> {
  const rows = Array.from(cells, row => row.map(visible))
  const widths: number[] = []
  for (const row of rows)
    for (let column = 0; column < row.length; column++) {
      const { length } = row[column]!
      if (!(length <= widths[column]!)) widths[column] = length
    }
  const isNumber = (text: string) => /^[\d.,]+( \S+)?$/.test(text)
  for (const row of rows) {
    let line = ''
    for (let column = 0; column < row.length; column++) {
      const text = row[column]!
      if (column > 0) line += '  '
      line += isNumber(text) ? text.padStart(widths[column]!) : text.padEnd(widths[column]!)
    }
    yield line.trimEnd()
  }
}

/** Bytes of text that go out at once. */
const OUT = 1 << 16

/**
 * Writes lines to standard output as fast as its reader takes them, and holds no more than some of them. Where the
 * reader has left, the rest is not made: what that means for the run is told where it ends.
 */
export async function writeLines(lines: Iterable<string>): Promise<void> {
  const { stdout } = process
  let held = ''
  const out = async (): Promise<boolean> => {
    if (!stdout.write(held))
      try {
        await once(stdout, 'drain')
      } catch {
        return false
      }
    held = ''
    return true
  }
  for (const line of lines) {
    held += line
    if (held.length >= OUT && !(await out())) return
  }
  if (held !== '') await out()
}
