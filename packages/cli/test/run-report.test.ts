import { LatentError } from '@latent/core'
import type { FileResult } from '@latent/vault/node'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { reportRun } from '../src/run-report.ts'

afterEach(() => vi.restoreAllMocks())

/** What a run prints: notes, standard output, and the error it ends with. */
async function report(
  results: readonly FileResult[],
  { json = false, end }: { json?: boolean; end?: Error } = {},
): Promise<{ notes: string[]; out: string; error: LatentError | undefined }> {
  const notes: string[] = []
  let out = ''
  vi.spyOn(process.stdout, 'write').mockImplementation(text => Boolean((out += String(text))))
  async function* run() {
    yield* results
    if (end) throw end
  }
  const progress = {
    total() {},
    add() {},
    end() {},
    note: (line: string) => void notes.push(line),
    aside: <T>(work: () => Promise<T>) => work(),
  }
  const error = await reportRun(run(), { progress, watcher: {}, json }, { done: 'opened', output: 'o\u001bt' }).then(
    () => undefined,
    (caught: unknown) => caught as LatentError,
  )
  vi.restoreAllMocks()
  return { notes, out, error }
}

const many = (count: number, one: (name: string) => Partial<FileResult>): FileResult[] =>
  Array.from({ length: count }, (_, i) => ({
    source: `/photos/IMG_${i}.jpg.png`,
    status: 'failed',
    ...one(`IMG_${i}.jpg.png`),
  }))

describe('what goes wrong in the same way is told once', () => {
  test.each<[string, FileResult[], string]>([
    [
      'a wrong key',
      many(210, () => ({
        code: 'E_NO_MATCH',
        reason: 'none of the given keys opens this file',
        hint: 'it was sealed for another recipient',
      })),
      'give the key',
    ],
    [
      'targets that exist',
      many(208, name => ({ code: 'E_EXISTS', reason: `${name} already exists`, hint: 'choose another folder' })),
      'named above',
    ],
    [
      'a full disk',
      many(1000, name => ({ code: 'E_IO', reason: `cannot write ${name}: no space is left`, hint: 'make room' })),
      'second run',
    ],
    [
      'paths in the reason',
      many(50, name => ({ code: 'E_IO', reason: `cannot read /photos/${name}: permission denied` })),
      'second run',
    ],
  ])('%s', async (_, results, advice) => {
    const { notes, out, error } = await report(results)
    expect(notes.length).toBe(4)
    expect(notes[0]).toContain('IMG_0.jpg.png: ')
    expect(notes.at(-1)).toContain(`${results.length - 3} more`)
    expect(notes.join('\n').split('hint: ').length - 1).toBeLessThanOrEqual(1)
    expect(out).toContain(`failed   ${results.length}\n`)
    expect(error).toMatchObject({
      code: 'E_PARTIAL',
      message: `${results.length} of ${results.length} files failed`,
      hint: expect.stringContaining(advice),
    })
  })

  test('notes', async () => {
    const { notes, error } = await report(
      many(40, name => ({ status: 'done', note: `written as out/${name}: the file system cannot hold its time` })),
    )
    expect(notes.length).toBe(4)
    expect(notes[0]).toMatch(/^note: .*IMG_0/)
    expect(notes[3]).toContain('37 more')
    expect(error).toBeUndefined()
  })

  test('names of one letter, which other words hold too', async () => {
    const letters = Array.from('abcdefghijklmnopqrstuvwxyz', letter => ({
      source: `in/${letter}`,
      target: `out/${letter}`,
      status: 'failed' as const,
      code: 'E_KEY' as const,
      reason: `cannot open ${letter}: no key that was given is a match for out/${letter}`,
    }))
    const { notes } = await report(letters)
    expect(notes.length).toBe(4)
    expect(notes.at(-1)).toContain('23 more')
    // One name that begins another, and one that is a word of the message.
    const nested = ['a', 'an', 'ann', 'no', 'match for out'].map(name => ({
      ...letters[0]!,
      source: `in/${name}`,
      target: `out/${name}`,
      reason: `cannot open ${name}: no key that was given is a match for out/${name}`,
    }))
    expect((await report(nested)).notes.length).toBe(4)
    const other = { ...letters[0]!, reason: 'cannot open a: no key that was given is a match for out/b' }
    expect((await report([letters[0]!, other])).notes.length).toBe(2)
  })

  test('what differs is named, every one', async () => {
    const { notes } = await report(
      many(30, name => ({
        code: 'E_CHUNK',
        reason: `chunk ${name.length}${name} is damaged at ${name.slice(4, 6)}`.replace(name, '') + name.slice(4, -8),
      })),
    )
    expect(notes.length).toBe(30)
  })

  test('JSON names every file, in numbers', async () => {
    const { notes, out } = await report(
      many(5, () => ({ code: 'E_NO_MATCH', reason: 'no' })),
      { json: true },
    )
    expect(notes).toEqual([])
    const lines = out
      .trim()
      .split('\n')
      .map(line => JSON.parse(line) as Record<string, unknown>)
    expect(lines.length).toBe(6)
    expect(lines.at(-1)).toEqual({
      summary: {
        opened: 0,
        salvaged: 0,
        skipped: 0,
        missing: 0,
        interrupted: 0,
        failed: 5,
        plainBytes: 0,
        sealedBytes: 0,
        seconds: expect.any(Number) as number,
      },
    })
  })
})

test('salvaged and missing files are counted as what they are', async () => {
  const { notes, out, error } = await report([
    { source: 'a', status: 'done', plainBytes: 10, sealedBytes: 20 },
    { source: 'b', status: 'salvaged', code: 'E_CHUNK', reason: 'parts are missing', plainBytes: 5, sealedBytes: 20 },
    { source: 'c', status: 'missing', code: 'E_IO', reason: 'it is gone' },
    { source: 'd', status: 'skipped', reason: 'opened before' },
  ])
  expect(out).toMatch(
    /opened {3}1 .*\nsalvaged 1 \(in part\)\nskipped {2}1 \(1 opened before\)\nmissing {2}1\nfailed {3}0\n/,
  )
  expect(notes).toEqual(['salvaged: b: parts are missing [E_CHUNK]', 'missing: c: it is gone [E_IO]'])
  expect(error).toMatchObject({ code: 'E_PARTIAL', message: 'of 4 files 1 is there in part, 1 is missing' })
})

test('of missing files nobody is told that a second run finds them', async () => {
  const missing = { status: 'missing', code: 'E_IO', reason: 'it is gone' } as const
  expect(
    (
      await report([
        { source: 'a', status: 'done' },
        { source: 'b', ...missing },
      ])
    ).error,
  ).toMatchObject({
    message: 'of 2 files 1 is missing',
    hint: 'they are named above; everything that is there is intact',
  })
  expect(
    (
      await report([
        { source: 'a', status: 'failed', code: 'E_IO' },
        { source: 'b', ...missing },
      ])
    ).error?.hint,
  ).toBe('they are named above')
})

test('a run that breaks off is summed up all the same, and ends with its own error', async () => {
  const end = new LatentError('E_IO', 'cannot flush the folder')
  const { out, error } = await report([{ source: 'a', status: 'done' }], { end })
  expect(out).toContain('opened   1\n')
  expect(error).toBe(end)
  expect((await report([{ source: 'a', status: 'done' }], { end, json: true })).out).toContain('"summary"')
})

test('names reach no terminal as they are', async () => {
  const nasty = '\u001b[2Jx\u202e\n'
  const { notes, out } = await report([
    { source: nasty, target: nasty, status: 'failed', code: 'E_IO', reason: `cannot read ${nasty}`, hint: nasty },
    { source: nasty, status: 'done', note: nasty },
    { source: nasty, status: 'skipped', reason: nasty },
  ])
  // oxlint-disable-next-line no-control-regex
  expect(notes.join('') + out).not.toMatch(/[\u001b\u202e]/)
  expect(out.split('\n').length).toBe(6)
})
