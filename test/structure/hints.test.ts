import { globSync, readFileSync } from 'node:fs'
import { expect, test } from 'vitest'

/**
 * What a user can mend. Defects (`E_INTERNAL`), arguments (which say what was expected) and broken data have no advice.
 */
const MENDABLE = [
  'E_IO',
  'E_KEY',
  'E_LIMIT',
  'E_EXISTS',
  'E_CHANGED',
  'E_NO_MATCH',
  'E_HASH',
  'E_IMAGE',
  'E_UNSUPPORTED',
]
// A hint written there, a constant that holds one, or options that were handed on.
const HAS_HINT = /hint|NOT_OURS|options/

/** The arguments of every `new LatentError(...)` in a source. */
function* errorsIn(source: string): Generator<string> {
  for (const { index, 0: start } of source.matchAll(/new LatentError\(/g)) {
    let depth = 1
    let end = index + start.length
    for (; depth > 0; end++) depth += source[end] === '(' ? 1 : source[end] === ')' ? -1 : 0
    yield source.slice(index, end)
  }
}

test('errors that a user can mend say what to do', () => {
  const errors = globSync('packages/*/src/**/*.ts').flatMap(path =>
    Array.from(errorsIn(readFileSync(path, 'utf8')), text => ({ path, text })),
  )
  expect(errors.length).toBeGreaterThan(200)
  const mendable = errors.filter(({ text }) => MENDABLE.some(code => text.includes(`'${code}'`)))
  expect(mendable.length).toBeGreaterThan(100)
  expect(mendable.filter(({ text }) => !HAS_HINT.test(text))).toEqual([])
})
