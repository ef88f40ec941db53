import { onDisk, pathFromBytes } from '@latent/core/node'
import { generateX25519Identity, identityToRecipient } from 'age-encryption'
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { closeSync, openSync, utimesSync, writeSync } from 'node:fs'
import {
  appendFile,
  chmod,
  copyFile,
  cp,
  link,
  mkdir,
  open as openFile,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  symlink,
  truncate,
  utimes,
  writeFile,
} from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { createAlbum, Keyring, type Lock } from '../src/index.ts'
import { type FileResult, foldedName, JournalState, openFiles, plainFolder, sealedName } from '../src/node/index.ts'
import { sealedFolder } from '../src/node/sealed-names.ts'
import { flows, noise } from './fixtures.ts'
import { all, keyring, notices, opened, plain, put, root, seal, sealed, tree } from './folders.ts'

const open = (keys = keyring()) => all(openFiles({ inputs: [sealed], output: opened, keyring: keys, flows }))
const states = (results: readonly FileResult[]) =>
  results.map(({ source, status, code }) => `${basename(source)}: ${code ?? status}`)
const reasons = (results: readonly FileResult[]) =>
  results.map(({ source, reason }) => `${basename(source)}: ${reason ?? 'done'}`)

const names = async (folder: string) => Object.keys(await tree(folder)).toSorted()
const journal = () => readFile(join(sealed, '.latent-journal.jsonl'), 'utf8')
/** So long ago that nothing can have been written at the same tick of a clock. */
const LONG_AGO = new Date('2020-02-02T02:02:02Z')

async function expectRoundTrip(): Promise<void> {
  const results = await open()
  expect(results.filter(({ status }) => status === 'failed')).toEqual([])
  expect(await tree(opened)).toEqual(await tree(plain))
}

describe('names', () => {
  test('that some file system takes for one get sealed names that none does', async () => {
    const groups = [
      ['Cat.jpg', 'cat.jpg', 'CAT.JPG'],
      ['caf\u00e9.png', 'cafe\u0301.png', 'CAFE\u0301.PNG'],
      ['stra\u00dfe', 'STRASSE', 'strasse', 'STRA\u1e9eE'],
      ['\u212a.jpg', 'k.jpg', 'K.jpg'],
      ['\u017fun', 'sun'],
      ['\u03bf\u03c2', '\u03bf\u03c3', '\u039f\u03a3'],
      ['\u01c6', '\u01c5', '\u01c4'],
      ['\u2126', '\u03c9'],
      ['\u13a0', '\uab70'],
      ['\u212bngstr\u00f6m', '\u00e5ngstro\u0308m'],
      ['ﬁle', 'file'],
      ['zero\u200dwidth', 'zerowidth'],
      ['Αθήνα', 'αθήνα'],
    ]
    for (const [i, name] of groups.flat().entries()) await put(join(plain, 'sub', name), `content ${i}`)
    expect((await seal()).every(({ status }) => status === 'done')).toBe(true)
    const made = await names(sealed)
    expect(new Set(made.map(foldedName)).size).toBe(groups.flat().length)
    expect(states(await seal()).every(state => state.endsWith('skipped'))).toBe(true)
    expect(await names(sealed)).toEqual(made)
    await expectRoundTrip()
    await rm(sealed, { recursive: true })
    await seal({ jobs: 1 })
    expect(await names(sealed)).toEqual(made)
  })

  test('keep what they were given when a twin comes later, or goes', async () => {
    await put(join(plain, 'b.jpg'), 'small')
    await seal()
    await put(join(plain, 'B.jpg'), 'large')
    await seal()
    const both = await names(sealed)
    expect(both).toContain('b.jpg.png')
    await rm(join(plain, 'b.jpg'))
    expect(states(await seal())).toEqual(['B.jpg: skipped', 'b.jpg.png: skipped'])
    expect(await names(sealed)).toEqual(both)
  })

  test('of a file and a folder that come to one sealed name are told apart', async () => {
    await put(join(plain, 'a'), 'a file')
    await put(join(plain, 'a.png/b'), 'in a folder')
    await put(join(plain, 'A.PNG'), 'another')
    expect(states(await seal())).toEqual(['A.PNG: done', 'a: done', 'b: done'])
    await expectRoundTrip()
  })

  test.skipIf(process.platform !== 'linux')('that are not UTF-8 come back to the byte, folders too', async () => {
    const latin1 = (name: string) => pathFromBytes(Buffer.from(name, 'latin1'))
    for (const name of [
      'b\xe4r.jpg',
      'f\xfcr/c.jpg',
      '\xff\xfe\xfd',
      'deep \xc3/\x80\x81/%E4.txt',
      'x~bytes/y',
      '100%~bytes.jpg',
      `${'\xe9'.repeat(120)}.jpg`,
    ])
      await put(join(plain, latin1(name)), name)
    expect((await seal()).map(({ status }) => status)).toEqual(Array(7).fill('done'))
    expect((await names(sealed)).every(name => name.isWellFormed())).toBe(true)
    expect((await seal()).map(({ status }) => status)).toEqual(Array(7).fill('skipped'))
    await expectRoundTrip()
  })

  test.skipIf(process.platform !== 'linux')(
    'that are longer than a sealed file holds are cut, and that is said',
    async () => {
      const name = pathFromBytes(Buffer.from(`${'\xe9'.repeat(200)}.jpg`, 'latin1'))
      await put(join(plain, name), 'content')
      expect(await seal()).toMatchObject([{ status: 'done', note: expect.stringContaining('cut') }])
      expect(states(await seal())).toEqual([`${name}: skipped`])
      await open()
      expect(await readFile(onDisk(join(opened, (await names(opened))[0]!)), 'utf8')).toBe('content')
    },
  )

  test('of folders are written out so that the way back is exact', () => {
    for (const folder of ['.', 'a/b', 'f\udcfcr', 'a%b', '100%~bytes', 'x~bytes~bytes/\udc80/y', '\udcff%25'])
      expect(plainFolder(sealedFolder(folder))).toBe(folder)
    expect(sealedFolder('a%b/c')).toBe('a%b/c')
    expect(sealedName('f\udcfcr/c.jpg')).toBe('f%FCr~bytes/c.jpg.png')
  })
})

describe("what is the user's", () => {
  test('is never replaced by a sealed file, forced or not, also where output and input are one folder', async () => {
    const own = {
      'cat.jpg': 'a picture',
      'cat.jpg.png': 'exported',
      dog: 'dog',
      'dog.png': 'a dog',
      'Dog.PNG': 'another',
      'sub/x': 'x',
      'sub/x.png': 'y',
    }
    for (const [name, content] of Object.entries(own)) await put(join(plain, name), content)
    const before = await tree(plain)
    for (const force of [true, false, true]) {
      expect((await seal({ output: plain, force })).filter(({ status }) => status === 'failed')).toEqual([])
      expect(await tree(plain)).toMatchObject(before)
    }
    await cp(plain, sealed, { recursive: true })
    await open()
    expect(await tree(opened)).toEqual(before)
  })

  test('stays where a sealed file would go: a file, a link, a folder, a device of the output', async () => {
    for (const name of ['file', 'link', 'dangling', 'folder', 'empty']) await put(join(plain, name), name)
    await put(join(sealed, 'file.png'), 'mine')
    await put(join(root, 'elsewhere'), 'mine too')
    await symlink(join(root, 'elsewhere'), join(sealed, 'link.png'))
    await symlink(join(root, 'not there'), join(sealed, 'dangling.png'))
    await put(join(sealed, 'folder.png/inside'), 'mine as well')
    await put(join(sealed, 'empty.png'), '')
    const before = await tree(root)
    for (const force of [false, true]) {
      const results = await seal({ force })
      expect(states(results)).toEqual([
        'dangling: E_EXISTS',
        'empty: E_EXISTS',
        'file: E_EXISTS',
        'folder: E_EXISTS',
        'link: E_EXISTS',
      ])
      expect(results.every(({ hint }) => hint !== undefined)).toBe(true)
      expect(await tree(root)).toEqual(before)
    }
  })

  test('links in the output lead nowhere else', async () => {
    await put(join(plain, 'trip/a'), 'a')
    await mkdir(sealed)
    await mkdir(join(root, 'elsewhere'))
    await symlink(join(root, 'elsewhere'), join(sealed, 'trip'))
    expect(states(await seal())).toEqual(['a: E_IO'])
    expect(await readdir(join(root, 'elsewhere'))).toEqual([])
    await put(join(root, 'target'), 'precious')
    await rm(join(sealed, '.latent-journal.jsonl'))
    await symlink(join(root, 'target'), join(sealed, '.latent-journal.jsonl'))
    await expect(seal()).rejects.toMatchObject({ code: 'E_IO', message: expect.stringContaining('link') })
    expect(await readFile(join(root, 'target'), 'utf8')).toBe('precious')
  })

  test('a sealed file of another folder is not replaced by one of the same name', async () => {
    await put(join(plain, 'IMG_1.jpg'), 'first card')
    await put(join(root, 'second/IMG_1.jpg'), 'second card')
    await seal()
    const before = await tree(sealed)
    expect(await seal({ inputs: [join(root, 'second')] })).toMatchObject([
      { code: 'E_EXISTS', hint: expect.stringContaining('--force') },
    ])
    expect(await tree(sealed)).toEqual(before)
    expect(states(await seal({ inputs: [join(root, 'second')], force: true }))).toEqual(['IMG_1.jpg: done'])
    // A folder that only moved is no other one.
    await rename(join(root, 'second'), join(root, 'moved'))
    expect(states(await seal({ inputs: [join(root, 'moved')] }))).toEqual(['IMG_1.jpg: skipped'])
  })
})

describe('nothing is left out without being counted', () => {
  test("names that look like Latent's own are sealed; what is Latent's is counted", async () => {
    const users = [
      '.latent-notes.txt',
      '.latent-',
      '.latent-journal.jsonl.txt',
      '.latent-12-34.tmp',
      '.latent-lock.tmp',
      '.latent-journal (old).jsonl',
      '.latent-journal.jsonl',
    ]
    for (const name of users) await put(join(plain, name), `the user's ${name}`)
    await put(join(root, 'other/photo'), 'photo')
    await seal({ inputs: [join(root, 'other')], output: join(root, 'other sealed') })
    await mkdir(join(plain, 'sub'))
    await copyFile(join(root, 'other sealed/.latent-journal.jsonl'), join(plain, 'sub/.latent-journal.jsonl'))
    await put(join(plain, 'sub/.latent-0123abcd-77-0123456789abcdef.tmp'), 'left by a kill')
    const results = await seal()
    expect(
      results
        .filter(({ status }) => status === 'done')
        .map(({ source }) => basename(source))
        .toSorted(),
    ).toEqual(users.toSorted())
    expect(results.filter(({ status }) => status === 'skipped').map(({ reason }) => reason)).toEqual(
      Array(2).fill('a journal or temporary file of Latent itself'),
    )
  })

  test('empty folders, excluded files and dangling links are remarks', async () => {
    await mkdir(join(plain, 'empty/deep'), { recursive: true })
    await symlink('nowhere', join(plain, 'dangling'))
    for (const name of [
      'keep.jpg',
      'Thumbs.db',
      'sub/Thumbs.db',
      'sub/x.tmp',
      'raw/one.cr2',
      'raw/two/three.cr2',
      '.hidden.tmp',
    ])
      await put(join(plain, name), name)
    const results = await seal({ exclude: ['Thumbs.db', '*.tmp', 'raw/**'] })
    expect(reasons(results).toSorted()).toEqual(
      [
        '.hidden.tmp: excluded',
        'dangling: a link that leads nowhere',
        'deep: empty folders, which sealed files cannot hold',
        'keep.jpg: done',
        'raw: excluded',
        'Thumbs.db: excluded',
        'x.tmp: excluded',
        'Thumbs.db: excluded',
      ].toSorted(),
    )
    expect(results.filter(({ status }) => status === 'failed')).toEqual([])
    expect(states(await seal({ inputs: [join(plain, 'dangling')] }))).toEqual(['dangling: E_IO'])
    await expect(seal({ exclude: [''] })).rejects.toMatchObject({ code: 'E_ARGUMENT' })
  })

  test.each([
    ['@0', 0],
    ['before 1970', -86_400_000_000_000],
    ['beyond what dates of JavaScript hold', 9_007_199_254_741_000],
  ])('times that are unusual do not keep a file from being sealed: %s', async (_, modified) => {
    await put(join(plain, 'a'), 'a')
    const touched = spawnSync('touch', ['-d', `@${Math.floor(modified / 1000)}`, join(plain, 'a')]).status === 0
    expect(touched).toBe(true)
    expect(states(await seal())).toEqual(['a: done'])
    expect(states(await seal())).toEqual(['a: skipped'])
    expect((await open()).map(({ status }) => status)).toEqual(['done'])
  })
})

describe('a change is noticed', () => {
  const settle = async () => {
    for (const name of await names(plain)) await utimes(join(plain, name), LONG_AGO, LONG_AGO)
  }
  /** Other content of the same size, and the time that was there before. */
  const changeQuietly = async (name: string, content: string) => {
    await writeFile(join(plain, name), content)
    await utimes(join(plain, name), LONG_AGO, LONG_AGO)
  }

  test('of content under the same size and time', async () => {
    for (const name of ['written over', 'renamed over', 'same']) await put(join(plain, name), 'old content')
    await settle()
    await seal()
    await changeQuietly('written over', 'NEW content')
    await put(join(root, 'other'), 'NEW content')
    await utimes(join(root, 'other'), LONG_AGO, LONG_AGO)
    await rename(join(root, 'other'), join(plain, 'renamed over'))
    await chmod(join(plain, 'same'), 0o600)
    expect(states(await seal())).toEqual(['renamed over: done', 'same: skipped', 'written over: done'])
    await expectRoundTrip()
  })

  test('with reread, also where the file system tells nothing of it', async () => {
    for (const name of ['a', 'b']) await put(join(plain, name), 'old content')
    await settle()
    await seal()
    // As if nothing but the content had changed: the journal is made to believe it.
    await changeQuietly('a', 'NEW content')
    await seal({ inputs: [join(plain, 'b')], output: join(root, 'unused') })
    expect(states(await seal({ reread: true }))).toEqual(['a: done', 'b: skipped'])
    expect(states(await seal({ reread: true }))).toEqual(['a: skipped', 'b: skipped'])
    await expectRoundTrip()
  })

  test('while a file is read: no mix of old and new is sealed', async () => {
    const size = 3_000_000
    for (const how of ['overwritten', 'and its time set back', 'renamed over'] as const) {
      const path = await put(join(plain, how), new Uint8Array(size))
      await utimes(path, LONG_AGO, LONG_AGO)
      let done = false
      const watcher = {
        progress: () => {
          if (done) return
          done = true
          const file = openSync(path, 'r+')
          writeSync(file, Buffer.alloc(1000, 7), 0, 1000, size - 1000)
          closeSync(file)
          if (how !== 'overwritten') utimesSync(path, LONG_AGO, LONG_AGO)
        },
      }
      expect(await seal({ inputs: [path], watcher })).toMatchObject([{ code: 'E_CHANGED' }])
      expect(await names(sealed)).toEqual([])
      expect(states(await seal({ inputs: [path] }))).toEqual([`${how}: done`])
      await rm(path)
      await rm(sealed, { recursive: true })
    }
  })

  const damages: Record<string, (path: string) => Promise<unknown>> = {
    'cut in half': async path => truncate(path, Math.floor((await stat(path)).size / 2)),
    'cut to nothing': path => truncate(path, 0),
    'cut within its header': path => truncate(path, 90),
    'zeroed in the middle': path => overwrite(path, 100_000, Buffer.alloc(100_000)),
    'one bit flipped': async path => overwrite(path, 150_000, Buffer.of((await readFile(path))[150_000]! ^ 1)),
    'its end zeroed': async path => overwrite(path, (await stat(path)).size - 5000, Buffer.alloc(5000)),
    'appended to': path => appendFile(path, 'more'),
    gone: path => rm(path),
  }
  async function overwrite(path: string, at: number, bytes: Buffer): Promise<void> {
    const { atime, mtime } = await stat(path)
    const file = await openFile(path, 'r+')
    await file.write(bytes, 0, bytes.length, at)
    await file.close()
    await utimes(path, atime, mtime)
  }
  test.each(Object.keys(damages))('of a sealed file: %s', async how => {
    await put(join(plain, 'a'), await noise(300_000, 'a'))
    await put(join(plain, 'b'), await noise(300_000, 'b'))
    await seal()
    await damages[how]!(join(sealed, 'a.png'))
    expect(states(await seal())).toEqual(['a: done', 'b: skipped'])
    expect(notices.some(notice => notice.includes('cut or altered'))).toBe(how !== 'gone')
    await expectRoundTrip()
    expect(states(await seal())).toEqual(['a: skipped', 'b: skipped'])
  })

  test('a sealed file that was copied is read once, and is not sealed anew', async () => {
    for (const name of ['a', 'b', 'sub/c']) await put(join(plain, name), await noise(5000, name))
    await seal()
    await cp(sealed, join(root, 'copy'), { recursive: true })
    await rm(sealed, { recursive: true })
    await rename(join(root, 'copy'), sealed)
    const before = await tree(sealed)
    expect((await seal()).map(({ status }) => status)).toEqual(Array(3).fill('skipped'))
    expect(await tree(sealed)).toEqual(before)
    const lines = (await journal()).length
    await seal()
    expect((await journal()).length).toBe(lines)
  })
})

describe('a journal', () => {
  test('that did not travel is rebuilt with the key, and without one says so in one way', async () => {
    for (const name of ['a', 'b', 'sub/c', 'sub/d']) await put(join(plain, name), name)
    await seal()
    await put(join(plain, 'b'), 'B')
    const before = await tree(sealed)
    await rm(join(sealed, '.latent-journal.jsonl'))
    const without = await seal()
    expect(new Set(without.map(({ code, hint }) => `${code} ${hint?.includes('-i IDENTITY')}`))).toEqual(
      new Set(['E_EXISTS true']),
    )
    expect(states(await seal({ keyring: keyring() }))).toEqual([
      'a: skipped',
      'b: E_EXISTS',
      'c: skipped',
      'd: skipped',
    ])
    expect(notices).toEqual([expect.stringContaining('3 files')])
    expect(await tree(sealed)).toEqual(before)
    // Known again, for runs without the key too.
    expect(states(await seal())).toEqual(['a: skipped', 'b: E_EXISTS', 'c: skipped', 'd: skipped'])
    expect(states(await seal({ force: true }))).toEqual(['a: skipped', 'b: done', 'c: skipped', 'd: skipped'])
    await expectRoundTrip()
  })

  test.each([
    ['cut in the middle of a line', async (path: string) => truncate(path, (await stat(path)).size - 40)],
    ['with a foreign line', (path: string) => appendFile(path, 'not JSON\n{"target":3}\nnull\n[]\n')],
    [
      'copied by a service',
      async (path: string) => rename(path, join(dirname(path), '.latent-journal (conflicted copy 2024-05-05).jsonl')),
    ],
    [
      'split between two',
      async (path: string) => {
        const lines = (await readFile(path, 'utf8')).split('\n')
        await writeFile(
          join(dirname(path), '.latent-journal.sync-conflict-20240505.jsonl'),
          `${lines.slice(0, 7).join('\n')}\n`,
        )
        await writeFile(path, lines.slice(7).join('\n'))
      },
    ],
    ['said twice', async (path: string) => appendFile(path, await readFile(path))],
  ])('%s still tells what it can', async (_, harm) => {
    for (const name of ['a', 'b', 'c', 'd']) await put(join(plain, name), name)
    await seal({ jobs: 1 })
    await harm(join(sealed, '.latent-journal.jsonl'))
    expect(states(await seal())).toEqual(['a: skipped', 'b: skipped', 'c: skipped', 'd: skipped'])
    expect((await readdir(sealed)).filter(name => name.startsWith('.latent-'))).toEqual(['.latent-journal.jsonl'])
    expect(states(await seal())).toEqual(['a: skipped', 'b: skipped', 'c: skipped', 'd: skipped'])
  })

  test('of version 0.1.0 is understood, and its hashes without a key do not stay', async () => {
    for (const name of ['same', 'changed', 'sub/same']) await put(join(plain, name), name)
    await seal()
    const state = await JournalState.read(sealed)
    const old = await Promise.all(
      state.expected().map(async ({ target, nonce }) => {
        const source = target.slice(0, -4)
        const { size, mtimeNs } = await stat(join(plain, source), { bigint: true })
        const stamp = createHash('sha256')
          .update(JSON.stringify([source, `${size}`, `${mtimeNs}`, 'test', 'aes-256-gcm', 'none']))
          .digest('hex')
          .slice(0, 32)
        return { target, nonce, stamp }
      }),
    )
    await writeFile(join(sealed, '.latent-journal.jsonl'), old.map(line => `${JSON.stringify(line)}\n`).join(''))
    await put(join(plain, 'changed'), 'and how')
    expect(states(await seal())).toEqual(['changed: done', 'same: skipped', 'same: skipped'])
    for (const { stamp } of old) expect(await journal()).not.toContain(stamp)
    expect(states(await seal())).toEqual(['changed: skipped', 'same: skipped', 'same: skipped'])
    await expectRoundTrip()

    // One that no run meets is named, and stays, since it may have come from another folder.
    await writeFile(join(sealed, '.latent-journal.jsonl'), old.map(line => `${JSON.stringify(line)}\n`).join(''))
    await rm(join(plain, 'same'))
    const asked: string[] = []
    const again = await seal({ prune: async paths => (asked.push(...paths), true) })
    expect(again.find(({ source }) => source === join(sealed, 'same.png'))).toMatchObject({
      status: 'skipped',
      reason: expect.stringContaining('version 0.1.0'),
    })
    expect([asked, await names(sealed)]).toEqual([[], ['changed.png', 'same.png', join('sub', 'same.png')]])
    // In a folder that this run was not asked for it says nothing.
    const other = await put(join(plain, '..', 'other', 'x'), 'x')
    expect(states(await seal({ inputs: [other] })).filter(state => state.startsWith('same'))).toEqual([])
  })

  test('holds nothing by which size, time, content or recipients could be guessed', async () => {
    const path = await put(join(plain, 'a.jpg'), 'content')
    await put(join(plain, 'b.jpg'), 'content')
    await utimes(path, LONG_AGO, LONG_AGO)
    await seal({ padding: 'padme', lockName: 'age1friend' })
    const info = await stat(path, { bigint: true })
    const facts = [
      'a.jpg',
      info.size,
      info.mtimeNs,
      info.mtimeNs / 1_000_000n,
      'content',
      'age1friend',
      plain,
      path,
      'aes-256-gcm',
      'padme',
    ].map(String)
    const hashes = (value: string) =>
      ['sha256', 'sha1', 'md5'].map(name => createHash(name).update(value).digest('hex').slice(0, 32))
    const guesses = facts
      .flatMap(fact => [fact, JSON.stringify(fact), JSON.stringify([fact])])
      .concat(
        JSON.stringify(facts.slice(0, 3)),
        JSON.stringify(['a.jpg', `${info.size}`, `${info.mtimeNs}`, 'age1friend', 'aes-256-gcm', 'padme']),
      )
    const written = await journal()
    for (const guess of guesses) for (const hash of hashes(guess)) expect(written).not.toContain(hash)
    // Equal files do not show as such.
    const contents = Array.from(written.matchAll(/"content":"([0-9a-f]+)"/g), match => match[1])
    expect(contents.length).toBe(2)
    expect(new Set(contents).size).toBe(2)
  })

  test('knows what ought to be there', async () => {
    for (const name of ['a', 'sub/b', 'c']) await put(join(plain, name), name)
    await seal()
    await put(join(plain, 'a'), 'changed')
    await seal()
    await rm(join(sealed, 'c.png'))
    const expected = (await JournalState.read(sealed)).expected()
    expect(expected.map(({ target }) => target).toSorted()).toEqual(['a.png', 'c.png', 'sub/b.png'])
    for (const { target, sha256, bytes } of expected.filter(({ target }) => target !== 'c.png')) {
      const file = await readFile(join(sealed, target))
      expect({ sha256, bytes }).toEqual({ sha256: createHash('sha256').update(file).digest('hex'), bytes: file.length })
    }
  })

  test('of another machine is no proof of what is unchanged, and none against what is there', async () => {
    for (const name of ['a', 'b']) await put(join(plain, name), name)
    await seal()
    const elsewhere = (await journal()).replaceAll(/"by":"[0-9a-f]{8}"/g, '"by":"0badcafe"')
    await writeFile(join(sealed, '.latent-journal.jsonl'), elsewhere)
    expect(states(await seal({ keyring: keyring() }))).toEqual(['a: skipped', 'b: skipped'])
    await writeFile(join(sealed, '.latent-journal.jsonl'), elsewhere)
    expect(states(await seal())).toEqual(['a: done', 'b: done'])
    expect(notices).toEqual([expect.stringContaining('another machine')])
  })
})

describe('two runs at once', () => {
  test('take turns, and nothing fails', async () => {
    for (let i = 0; i < 30; i++) await put(join(plain, `${i}`), await noise(20_000, `${i}`))
    const runs = await Promise.all([seal(), seal(), seal()])
    expect(runs.flat().filter(({ status }) => status === 'failed')).toEqual([])
    expect(runs.map(run => run.filter(({ status }) => status === 'done').length).toSorted((a, b) => a - b)).toEqual([
      0, 0, 30,
    ])
    await expectRoundTrip()
  })

  test('a run goes on where a killed one left its lock and its temporary files', async () => {
    await put(join(plain, 'a'), 'a')
    const dead = spawnSync(process.execPath, ['-e', '']).pid
    await put(
      join(sealed, '.latent-lock.tmp'),
      JSON.stringify({ machine: (await import('@latent/core/node')).machine(), process: dead, token: 'x' }),
    )
    await put(join(sealed, `.latent-${dead}-0123456789abcdef.tmp`), 'half')
    expect(states(await seal())).toEqual(['a: done'])
    expect(await readdir(sealed)).toEqual(['.latent-journal.jsonl', 'a.png'])
  })
})

describe('sources that are gone', () => {
  const stale = (results: readonly FileResult[]) =>
    results.filter(({ reason }) => reason?.includes('--prune')).map(({ source }) => source.slice(sealed.length + 1))

  test('are named, and removed when asked to, and not before', async () => {
    for (const name of ['keep', 'deleted', 'renamed', 'folder/a', 'folder/deep/b', 'sub/keep', 'sub/gone'])
      await put(join(plain, name), name)
    await seal()
    await rm(join(plain, 'deleted'))
    await rename(join(plain, 'renamed'), join(plain, 'renamed now'))
    await rm(join(plain, 'folder'), { recursive: true })
    await rm(join(plain, 'sub/gone'))
    const expected = ['deleted.png', 'folder/a.png', 'folder/deep/b.png', 'renamed.png', 'sub/gone.png']
    expect(stale(await seal())).toEqual(expected)
    let asked: readonly string[] = []
    expect(stale(await seal({ prune: paths => ((asked = paths), Promise.resolve(false)) }))).toEqual(expected)
    expect(asked.map(path => path.slice(sealed.length + 1)).toSorted()).toEqual(expected)
    const results = await seal({ prune: () => Promise.resolve(true) })
    expect(results.filter(({ reason }) => reason?.startsWith('removed')).length).toBe(5)
    expect(await names(sealed)).toEqual(['keep.png', 'renamed now.png', 'sub/keep.png'])
    expect(stale(await seal())).toEqual([])
    expect(
      (await JournalState.read(sealed))
        .expected()
        .map(({ target }) => target)
        .toSorted(),
    ).toEqual(['keep.png', 'renamed now.png', 'sub/keep.png'])
  })

  test('are not those that a run did not look for', async () => {
    for (const name of ['a/1', 'a/2', 'b/3', 'c.tmp', 'link target']) await put(join(plain, name), name)
    await symlink('link target', join(plain, 'link'))
    await put(join(root, 'other/x'), 'x')
    await seal()
    expect(stale(await seal({ inputs: [join(root, 'other')] }))).toEqual([])
    expect(stale(await seal({ inputs: [join(plain, 'a'), join(plain, 'b')] }))).toEqual([])
    expect(stale(await seal({ inputs: [join(plain, 'c.tmp')] }))).toEqual([])
    expect(stale(await seal({ exclude: ['*.tmp', 'b'] }))).toEqual([])
    await rm(join(plain, 'link target'))
    expect(stale(await seal())).toEqual(['link target.png'])
    expect(stale(await seal({ inputs: [join(root, 'other')] }))).toEqual([])
  })

  test('are not those of an input that is empty: its disk may not be mounted', async () => {
    for (const name of ['a', 'sub/b']) await put(join(plain, name), name)
    await seal()
    await rm(plain, { recursive: true })
    await mkdir(plain)
    const notices: string[] = []
    const run = { prune: () => Promise.resolve(true), watcher: { notice: (text: string) => void notices.push(text) } }
    await seal(run)
    expect(await names(sealed)).toEqual(['a.png', 'sub/b.png'])
    expect(notices).toEqual([`${plain} is empty, so nothing of it is said to be gone: its disk may not be mounted`])
    await put(join(plain, 'c'), 'c')
    await seal(run)
    expect(await names(sealed)).toEqual(['c.png'])
  })

  test('whose sealed name now holds something else leave that alone', async () => {
    for (const name of ['a', 'b']) await put(join(plain, name), name)
    await seal()
    await rm(join(plain, 'a'))
    await writeFile(join(sealed, 'a.png'), 'a picture of mine')
    const results = await seal({ prune: () => Promise.resolve(true) })
    expect(results.filter(({ status }) => status === 'failed')).toMatchObject([{ code: 'E_EXISTS' }])
    expect(await readFile(join(sealed, 'a.png'), 'utf8')).toBe('a picture of mine')
  })
})

describe('other recipients', () => {
  test('get a new envelope around the same body, and those who are left out are named', async () => {
    const [me, friend, other] = [
      await generateX25519Identity(),
      await generateX25519Identity(),
      await generateX25519Identity(),
    ]
    const run = async (identities: readonly string[], keys?: readonly string[], inputs = [plain]) => {
      const recipients = await Promise.all(identities.map(identityToRecipient))
      const lock: Lock = { recipients }
      return seal({
        inputs,
        lock,
        lockName: recipients.toSorted().join('\n'),
        album: await createAlbum(lock),
        ...(keys ? { keyring: new Keyring({ identities: keys }) } : {}),
      })
    }
    const opens = async (identity: string) => {
      await rm(opened, { recursive: true, force: true })
      const results = await open(new Keyring({ identities: [identity] }))
      return (
        results.every(({ status }) => status === 'done') &&
        JSON.stringify(await tree(opened)) === JSON.stringify(await tree(plain))
      )
    }
    const nonces = async () =>
      (await JournalState.read(sealed))
        .expected()
        .map(({ nonce }) => nonce)
        .toSorted()
    for (const [name, size] of [
      ['a', 5],
      ['b', 2_000_000],
      ['sub/c', 100_000],
    ] as const)
      await put(join(plain, name), await noise(size, name))
    await run([me], [me])
    const before = await nonces()
    expect(reasons(await run([me, friend], [me]))).toEqual(
      ['a', 'b', 'c'].map(name => `${name}: wrapped for other recipients`),
    )
    expect(notices).toEqual([expect.stringContaining('3 files got a new envelope')])
    expect(await nonces()).toEqual(before)
    expect([await opens(me), await opens(friend), await opens(other)]).toEqual([true, true, false])
    expect((await run([me, friend], [me])).map(({ status }) => status)).toEqual(Array(3).fill('skipped'))
    expect(notices).toEqual([])
    // What shares a key with files that are not given to him is sealed under another one.
    await run([me, other, friend], [me], [join(plain, 'a'), join(plain, 'b')])
    expect(notices).toEqual([expect.stringContaining('share their key')])
    expect(await nonces()).not.toEqual(before)
    expect((await nonces()).filter(nonce => before.includes(nonce)).length).toBe(1)
    await run([me, friend], [me])
    expect(notices).toEqual([expect.stringContaining('new envelope'), expect.stringContaining('left out')])
    // Leaving one out says what it does.
    await run([me], [me])
    expect(notices).toEqual([
      expect.stringContaining('new envelope'),
      expect.stringContaining('1 who could open the files before is left out'),
    ])
    expect([await opens(me), await opens(friend)]).toEqual([true, false])
    // Without a key that opens the old ones there is no other way than sealing anew.
    await run([me, other])
    expect(notices).toEqual([expect.stringContaining('3 files sealed anew')])
    expect(await nonces()).not.toEqual(before)
    expect([await opens(me), await opens(other), await opens(friend)]).toEqual([true, true, false])
    expect((await run([me, other], [friend])).map(({ status }) => status)).toEqual(Array(3).fill('skipped'))
  })
})

test("a hard link to a source in the output is the user's", async () => {
  await put(join(plain, 'a'), 'a')
  await mkdir(sealed)
  await link(join(plain, 'a'), join(sealed, 'a.png'))
  expect(states(await seal({ force: true }))).toEqual(['a: E_EXISTS'])
  expect(await readFile(join(plain, 'a'), 'utf8')).toBe('a')
})

// Mounts need root and the file system's own program; elsewhere these are skipped visibly.
const isThere = (...commands: string[]) =>
  process.getuid?.() === 0 &&
  process.platform === 'linux' &&
  commands.every(command => spawnSync('which', [command]).status === 0)
const looped = (image: string) => spawnSync('losetup', ['-f', '--show', image], { encoding: 'utf8' }).stdout.trim()
const mounts: Record<
  string,
  { needs: string[]; make: (image: string) => boolean; mount: (image: string, at: string) => boolean }
> = {
  tmpfs: {
    needs: ['mount'],
    make: () => true,
    mount: (_, at) => spawnSync('mount', ['-t', 'tmpfs', 'tmpfs', at]).status === 0,
  },
  'NTFS, ignoring case': {
    needs: ['lowntfs-3g', 'mkfs.ntfs'],
    make: image => spawnSync('mkfs.ntfs', ['-q', '-F', image]).status === 0,
    mount: (image, at) => spawnSync('lowntfs-3g', ['-o', 'ignore_case,windows_names', image, at]).status === 0,
  },
  exFAT: {
    needs: ['mount.exfat-fuse', 'mkfs.exfat'],
    make: image => spawnSync('mkfs.exfat', [image]).status === 0,
    mount: (image, at) => spawnSync('mount.exfat-fuse', [looped(image), at]).status === 0,
  },
  FAT: {
    needs: ['mkfs.vfat', 'mount'],
    make: image => spawnSync('mkfs.vfat', [image]).status === 0,
    // Some kernels have no FAT of their own; a program of Debian's stands in.
    mount: (image, at) =>
      spawnSync('mount', ['-o', 'loop,iocharset=utf8', image, at]).status === 0 ||
      spawnSync('fusefat', ['-o', 'rw+', image, at]).status === 0,
  },
}
describe.each(Object.entries(mounts))('%s', (_, { needs, make, mount }) => {
  const able = isThere(...needs)
  const whereMounted = async (work: () => Promise<void>) => {
    await mkdir(sealed)
    const image = join(root, 'image')
    await writeFile(image, '')
    await truncate(image, 48 << 20)
    try {
      if (!make(image) || !mount(image, sealed)) return false
      await work()
      return true
    } finally {
      spawnSync('umount', [sealed])
      const loops = spawnSync('losetup', ['-j', image], { encoding: 'utf8' }).stdout ?? ''
      for (const line of loops.split('\n').filter(line => line !== ''))
        spawnSync('losetup', ['-d', line.split(':')[0]!])
    }
  }

  test.skipIf(!able)('every file is sealed once, and comes back', async ({ skip }) => {
    const given = [
      'IMG.JPG',
      'img.jpg',
      'Img.jpg',
      'caf\u00e9',
      'cafe\u0301',
      'what?.jpg',
      'a:b.jpg',
      'trailing.',
      'sub*/x',
      'b\udce4r',
      'long'.repeat(60),
    ]
    for (const [i, name] of given.entries()) await put(join(plain, name), `content ${i}`)
    const mounted = await whereMounted(async () => {
      const first = await seal()
      expect(first.map(({ status, reason }) => reason ?? status)).toEqual(Array(given.length).fill('done'))
      expect((await seal()).map(({ status, reason }) => `${status}: ${reason}`)).toEqual(
        Array(given.length).fill('skipped: sealed and unchanged'),
      )
      await expectRoundTrip()
      await put(join(plain, 'img.jpg'), 'changed')
      expect((await seal()).filter(({ status }) => status === 'done').map(({ source }) => basename(source))).toEqual([
        'img.jpg',
      ])
      await rm(opened, { recursive: true })
      await expectRoundTrip()
      expect((await readdir(sealed)).filter(name => name.endsWith('.tmp'))).toEqual([])
    })
    if (!mounted) skip('cannot mount it here')
  })

  test.skipIf(!able)('every file is opened there under some name, once', async ({ skip }) => {
    const given = ['IMG.JPG', 'img.jpg', 'caf\u00e9', 'what?.jpg', 'trailing.', 'sub*/x', 'b\udce4r', 'long'.repeat(60)]
    for (const [i, name] of given.entries()) await put(join(plain, name), `content ${i}`)
    const elsewhere = join(plain, '..', 'elsewhere')
    await seal({ output: elsewhere })
    const mounted = await whereMounted(async () => {
      const openThere = () => all(openFiles({ inputs: [elsewhere], output: sealed, keyring: keyring(), flows }))
      expect((await openThere()).map(({ status, reason }) => reason ?? status)).toEqual(given.map(() => 'done'))
      expect(Object.values(await tree(sealed)).toSorted()).toEqual(Object.values(await tree(plain)).toSorted())
      expect((await openThere()).map(({ status }) => status)).toEqual(given.map(() => 'skipped'))
    })
    if (!mounted) skip('cannot mount it here')
  })

  test.skipIf(!able)('a read-only target is called so', async ({ skip }) => {
    await put(join(plain, 'a'), 'a')
    const mounted = await whereMounted(async () => {
      if (spawnSync('mount', ['-o', 'remount,ro', sealed]).status !== 0) return
      for (const output of [sealed, join(sealed, 'new'), join(sealed, 'new/deep')])
        await expect(seal({ output })).rejects.toMatchObject({
          code: 'E_IO',
          message: expect.stringContaining('read-only'),
        })
    })
    if (!mounted) skip('cannot mount it here')
  })
})
