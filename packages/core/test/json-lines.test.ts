import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { jsonLines, parseJsonLines } from '../src/index.ts'
import { appendJsonLines } from '../src/node/index.ts'

test.each<[string, string, unknown[], number]>([
  ['nothing', '', [], 0],
  ['two whole lines', '{"a":1}\n[2]\n', [{ a: 1 }, [2]], 12],
  ['a line without its end, though it is whole', '{"a":1}\n{"b":2}', [{ a: 1 }], 8],
  ['a line that was cut', '{"a":1}\n{"b', [{ a: 1 }], 8],
  ['nothing but a cut line', '{"a', [], 0],
  ['a cut line with another behind it', '{"a":1}\n{"b{"c":3}\n{"d":4}\n', [{ a: 1 }, { d: 4 }], 27],
  ['empty lines', '\n\n1\n', [1], 4],
  ['letters of two bytes: characters are counted', '"\u00e9"\n"', ['\u00e9'], 4],
])('%s', (_, text, values, length) => {
  expect(parseJsonLines(text)).toEqual({ values, length })
})

test('what is written is read, line breaks within texts included', () => {
  const values = [{ text: 'one\ntwo' }, null, -1.5, 'x', [{}]]
  expect(jsonLines(values).split('\n').length).toBe(values.length + 1)
  expect(parseJsonLines(jsonLines(values)).values).toEqual(values)
  expect(jsonLines([])).toBe('')
})

test('is added to a file, or says which one cannot be written', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'latent-lines-'))
  try {
    const path = join(folder, 'log')
    await appendJsonLines(path, [{ a: 1 }])
    await appendJsonLines(path, [{ b: 2 }, { c: 3 }])
    expect(await readFile(path, 'utf8')).toBe('{"a":1}\n{"b":2}\n{"c":3}\n')
    await expect(appendJsonLines(join(folder, 'none', 'log'), [1])).rejects.toMatchObject({
      code: 'E_IO',
      message: expect.stringContaining('none'),
    })
  } finally {
    await rm(folder, { recursive: true })
  }
})
