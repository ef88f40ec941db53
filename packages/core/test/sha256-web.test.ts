import fc from 'fast-check'
import { createHash } from 'node:crypto'
import { afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import type { Sha256 } from '../src/primitive-set.ts'

const expected = (...parts: readonly Uint8Array[]) =>
  parts.reduce((hash, part) => hash.update(part), createHash('sha256')).digest('hex')
const hex = (hash: Sha256) => Buffer.from(hash.digest()).toString('hex')

const isCompiled = (sha256: () => Sha256) => sha256().constructor.name === 'WasmSha256'

/** Anew for each, as a page loads it. */
async function loaded(): Promise<() => Sha256> {
  vi.resetModules()
  return (await import('../src/sha256-web.ts')).sha256
}
afterEach(() => vi.restoreAllMocks())

describe('by WebAssembly, one instance for all', () => {
  let sha256: () => Sha256
  beforeAll(async () => {
    sha256 = await loaded()
    // Until it is compiled the script hashes.
    for (let i = 0; i < 200 && !isCompiled(sha256); i++) await new Promise(resolve => setTimeout(resolve, 10))
  })

  test('it is compiled in a moment', () => {
    expect(isCompiled(sha256)).toBe(true)
  })

  test('any number at once, a part of one and then a part of another, gives what each would alone', () =>
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(3), fc.uint8Array({ maxLength: 200 })), { maxLength: 40 }),
        (steps: readonly (readonly [number, Uint8Array])[]) => {
          const hashes = Array.from({ length: 4 }, () => sha256())
          for (const [which, part] of steps) hashes[which]!.update(part)
          for (const [which, hash] of hashes.entries())
            expect(hex(hash)).toBe(expected(...steps.filter(([of]) => of === which).map(([, part]) => part)))
        },
      ),
    ))

  test('nothing, one that is given up half way, and parts longer than its memory', () => {
    expect(hex(sha256())).toBe(expected())
    sha256().update(Uint8Array.of(1, 2, 3))
    const long = Uint8Array.from({ length: 300_001 }, (_, i) => (i * i) >> 3)
    const hash = sha256()
    hash.update(long)
    expect(hex(sha256())).toBe(expected())
    hash.update(long)
    expect(hex(hash)).toBe(expected(long, long))
  })
})

test('where no WebAssembly may be compiled the script hashes, and nothing is left unheard', async () => {
  const unheard = vi.fn()
  process.on('unhandledRejection', unheard)
  vi.spyOn(WebAssembly, 'compile').mockRejectedValue(new EvalError('the policy forbids it'))
  vi.spyOn(WebAssembly, 'instantiate').mockRejectedValue(new EvalError('the policy forbids it'))
  const sha256 = await loaded()
  await new Promise(resolve => setTimeout(resolve, 20))
  process.off('unhandledRejection', unheard)
  const hash = sha256()
  expect(isCompiled(sha256)).toBe(false)
  for (const part of ['one', 'two']) hash.update(new TextEncoder().encode(part))
  expect(hex(hash)).toBe(createHash('sha256').update('onetwo').digest('hex'))
  expect(unheard).not.toHaveBeenCalled()
})
