import { mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, beforeEach, describe, expect, test } from 'vitest'
import { latentHere, runLatent } from './command.ts'

let folder = ''
const folders: string[] = []
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'latent-seal-command-'))
  folders.push(folder)
  await mkdir(at('home'))
  for (const name of ['me', 'friend'])
    if ((await run('keygen', '-o', at(`${name}.key`))).code !== 0) throw new Error('keygen failed')
})
afterAll(() => Promise.all(folders.map(path => rm(path, { recursive: true, force: true }))))

const at = (...names: string[]) => join(folder, ...names)
const place = () => ({ env: { HOME: at('home'), XDG_STATE_HOME: '' } })
const run = (...args: string[]) => latentHere(args, place())
const seal = (...args: string[]) =>
  run('seal', at('photos'), '-o', at('sealed'), '--cipher', 'aes-256-gcm', '-i', at('me.key'), ...args)
async function put(name: string, content: string): Promise<void> {
  await mkdir(dirname(at('photos', name)), { recursive: true })
  await writeFile(at('photos', name), content)
}
const sealed = async () =>
  (await readdir(at('sealed'), { recursive: true, withFileTypes: true }))
    .filter(entry => entry.isFile() && !entry.name.startsWith('.'))
    .map(entry => entry.name)
    .toSorted()

describe('latent seal', () => {
  test('leaves out what is excluded, and counts it', async () => {
    for (const name of ['a.jpg', 'Thumbs.db', 'sub/Thumbs.db', 'sub/b.jpg', 'sub/c.tmp', 'raw/d.cr2'])
      await put(name, name)
    const { code, out } = await seal('--exclude', 'Thumbs.db', '--exclude', '*.tmp', '--exclude', 'raw/**')
    expect({ code, sealed: await sealed() }).toEqual({ code: 0, sealed: ['a.jpg.png', 'b.jpg.png'] })
    expect(out).toContain('4 excluded')
    expect((await seal('--exclude', '')).code).toBe(2)
  })

  test.each([[], ['--carrier', 'robust'], ['--hide-names']])(
    'makes no folder where no input is there (options %j)',
    async (...options) => {
      const { code, out, err } = await seal(...options)
      expect(code).toBe(1)
      expect(out).not.toContain('folder')
      expect(err).toContain(at('photos'))
      expect(await readdir(folder)).not.toContain('sealed')
      // What is there already stays, and is not taken for the output of this run.
      await mkdir(at('sealed'))
      await writeFile(at('sealed', 'notes.txt'), 'mine')
      expect((await seal(...options)).code).toBe(1)
      expect(await sealed()).toEqual(['notes.txt'])
    },
  )

  test('removes sealed files without sources after showing them, and only if told to', async () => {
    for (const name of ['keep.jpg', 'deleted.jpg', 'renamed.jpg']) await put(name, name)
    await seal()
    await rm(at('photos/deleted.jpg'))
    await rename(at('photos/renamed.jpg'), at('photos/new name.jpg'))
    expect((await seal()).out).toContain('2 sealed files whose sources are gone')
    const unasked = await seal('--prune')
    expect({ status: unasked.code, error: unasked.err }).toMatchObject({
      status: 2,
      error: expect.stringContaining('--yes'),
    })
    expect((await sealed()).length).toBe(4)
    const pruned = await seal('--prune', '--yes')
    expect(pruned.code).toBe(0)
    for (const name of ['deleted.jpg.png', 'renamed.jpg.png'])
      expect(pruned.err).toContain(`source gone: ${at('sealed', name)}`)
    expect(await sealed()).toEqual(['keep.jpg.png', 'new name.jpg.png'])
  })

  test('does the same for robust carriers, and verify misses what their journal lists', async () => {
    for (const name of ['keep.jpg', 'deleted.jpg']) await put(name, name)
    const robust = ['--carrier', 'robust']
    await seal(...robust)
    await rm(at('photos/deleted.jpg'))
    expect((await seal(...robust)).out).toContain('1 pictures that hold files whose sources are gone, beside others')
    expect((await seal(...robust, '--prune')).code).toBe(2)
    const pruned = await seal(...robust, '--prune', '--yes')
    expect([pruned.code, pruned.out]).toEqual([0, expect.stringMatching(/^sealed {3}1 /)])
    expect(pruned.err).toContain(`source gone: ${at('sealed', 'album-1.1-of-1.png')}`)
    const verify = () => run('verify', at('sealed'), '-i', at('me.key'))
    expect((await verify()).out).toMatch(/^intact {3}1 [^]*^missing {2}0 of 1 /m)
    const [picture] = await sealed()
    await rm(at('sealed', picture!))
    const { code, out, err } = await verify()
    expect([code, out]).toEqual([1, expect.stringMatching(/^intact {3}0[^]*^missing {2}1 of 1 /m)])
    expect(err).toContain(picture)
  })

  test('says what other recipients mean', async () => {
    for (const name of ['a.jpg', 'b.jpg']) await put(name, name)
    await seal()
    const friend = /age1\w+/.exec(await readFile(at('friend.key'), 'utf8'))![0]
    const added = await seal('-r', friend)
    expect(added).toMatchObject({ code: 0, err: expect.stringContaining('2 files got a new envelope') })
    expect((await run('open', at('sealed'), '-o', at('opened'), '-i', at('friend.key'))).code).toBe(0)
    expect(await readFile(at('opened/b.jpg'), 'utf8')).toBe('b.jpg')
    const left = await seal('--json')
    const notices = left.out
      .split('\n')
      .flatMap(line => (line.startsWith('{"notice"') ? [(JSON.parse(line) as { notice: string }).notice] : []))
    expect(notices).toEqual([
      expect.stringContaining('2 files got a new envelope'),
      expect.stringContaining('left out'),
    ])
    expect((await run('open', at('sealed'), '-o', at('again'), '-i', at('friend.key'))).code).toBe(1)
  })

  test('compares contents when told to, and finds nothing to do otherwise', async () => {
    await put('a.jpg', 'a')
    await seal()
    expect((await seal('--reread')).out).toContain('1 sealed and unchanged')
    expect((await seal()).out).toContain('1 sealed and unchanged')
  })

  test('recognises with the key what a lost journal knew, and is helpful without', async () => {
    for (let i = 0; i < 5; i++) await put(`IMG_${i}.jpg`, `${i}`)
    await seal()
    await rm(at('sealed/.latent-journal.jsonl'))
    const recipient = /age1\w+/.exec(await readFile(at('me.key'), 'utf8'))![0]
    const without = await run('seal', at('photos'), '-o', at('sealed'), '--cipher', 'aes-256-gcm', '-r', recipient)
    expect(without.code).toBe(1)
    expect(without.err.match(/hint: give -i IDENTITY/g)?.length).toBe(1)
    expect(without.err).toContain('2 more like')
    expect(await seal()).toMatchObject({ code: 0, out: expect.stringContaining('5 sealed and unchanged') })
  })

  test('started twice at once does everything once', async () => {
    for (let i = 0; i < 40; i++) await put(`${i}.jpg`, `${i}`)
    const args = ['seal', at('photos'), '-o', at('sealed'), '-i', at('me.key')]
    const ends = (await Promise.all([runLatent(args, place()), runLatent(args, place())])).map(({ code, out }) => ({
      code,
      done: Number(/^sealed +(\d+)/m.exec(out)?.[1]),
    }))
    expect(ends.map(({ code }) => code)).toEqual([0, 0])
    expect(ends.map(({ done }) => done).toSorted((a, b) => a - b)).toEqual([0, 40])
  })
})
