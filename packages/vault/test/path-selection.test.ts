import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { pathMatcher, PathSelection } from '../src/index.ts'
import { notices, plain, put, seal } from './folders.ts'

test.each<[pattern: string, fits: string[], not: string[]]>([
  ['*.tmp', ['a.tmp', 'deep/er/b.tmp', '.tmp'], ['a.tmpx', 'tmp']],
  ['raw/**', ['raw/a', 'raw/b/c'], ['more/raw/a', 'raws/a']],
  ['raw', ['raw', 'more/raw'], ['raws', 'more/raw.jpg']],
  ['trip/day', ['trip/day', 'trip/day/1.jpg'], ['trip/days', 'my/trip/day']],
  ['./trip/', ['trip', 'trip/1.jpg'], ['trips']],
  ['IMG_????.jpg', ['IMG_0001.jpg', 'x/IMG_9999.jpg'], ['IMG_001.jpg']],
  ['*.{jpg,png}', ['a.jpg', 'b.png'], ['c.gif', 'a.JPG']],
  ['[ab].jpg', ['a.jpg', 'x/b.jpg'], ['c.jpg']],
  // As browsers, cameras and people name things.
  ['photo (1).jpg', ['photo (1).jpg', 'x/photo (1).jpg'], ['photo 1.jpg', 'photo (2).jpg']],
  ['* (1).jpg', ['photo (1).jpg', 'x/a (1).jpg'], ['photo 1.jpg', 'photo (11).jpg']],
  ['*(1).jpg', ['photo(1).jpg', 'photo (1).jpg'], ['photo1.jpg', '11.jpg']],
  ['!important.txt', ['!important.txt', 'x/!important.txt'], ['important.txt', 'anything else']],
  ['!(a).jpg', ['!(a).jpg'], ['b.jpg']],
  ['@eaDir', ['@eaDir', 'x/@eaDir', '@eaDir/thumb'], ['eaDir']],
  ['#recycle', ['#recycle', '#recycle/a'], ['recycle']],
  ['+1 party.jpg', ['+1 party.jpg'], ['1 party.jpg', '11 party.jpg']],
  ['me + you|us.jpg', ['me + you|us.jpg'], ['me + you', 'us.jpg']],
  ['a [b].txt', ['a [b].txt', 'x/a [b].txt'], ['a [c].txt']],
  ['(', ['('], ['a']],
  ['$5.jpg', ['$5.jpg'], ['5.jpg']],
  ['^a$', ['^a$'], ['a']],
  ['a.b', ['a.b'], ['axb']],
])('%s', (pattern, fits, not) => {
  const matches = pathMatcher(pattern)
  expect(fits.filter(path => !matches(path))).toEqual([])
  expect(not.filter(path => matches(path))).toEqual([])
})

test('a selection knows what fitted nothing; without patterns it is everything', () => {
  const some = new PathSelection(['*.jpg', 'trip', '*.heic'])
  expect(['a.jpg', 'trip/b.png', 'c.png'].map(path => some.has(path))).toEqual([true, true, false])
  expect(some.unused).toEqual(['*.heic'])
  const all = new PathSelection([])
  expect([all.has('anything'), all.unused]).toEqual([true, []])
})

test('what is left out is what was named, and a path that is not below an input is told', async () => {
  for (const name of ['photo (1).jpg', 'photo 1.jpg', '!note.txt', 'trip/a.jpg', 'trip/raw/b.jpg'])
    await put(join(plain, name), name)
  await mkdir(join(plain, 'trip/raw'), { recursive: true })
  const left = async (...exclude: string[]) =>
    (await seal({ exclude })).flatMap(({ source, reason }) =>
      reason === 'excluded' ? source.slice(plain.length + 1) : [],
    )
  expect(await left('photo (1).jpg')).toEqual(['photo (1).jpg'])
  expect(await left('!note.txt')).toEqual(['!note.txt'])
  expect(await left(join(plain, 'trip/raw'))).toEqual(['trip/raw'])
  expect(await left(join(plain, 'trip/*.jpg'), 'trip/raw/')).toEqual(['trip/a.jpg', 'trip/raw'])
  expect(notices.filter(text => text.includes('--exclude'))).toEqual([])
  expect(await left('plain/trip', '*.tmp', '/nowhere/*.jpg')).toEqual([])
  expect(notices.filter(text => text.includes('--exclude'))).toEqual([
    '--exclude plain/trip left nothing out: patterns with a slash are paths below an input',
    '--exclude /nowhere/*.jpg left nothing out: patterns with a slash are paths below an input',
  ])
  await expect(left('./')).rejects.toMatchObject({ code: 'E_ARGUMENT' })
})
