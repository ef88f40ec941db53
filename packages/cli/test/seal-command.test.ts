import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeEach, describe, expect, test } from 'vitest'

const latent = fileURLToPath(new URL('../bin/latent.js', import.meta.url))
let folder = ''
const folders: string[] = []
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'latent-seal-command-'))
  folders.push(folder)
  await mkdir(at('home'))
  for (const name of ['me', 'friend'])
    if (run('keygen', '-o', at(`${name}.key`)).status !== 0) throw new Error('keygen failed')
})
afterAll(() => Promise.all(folders.map(path => rm(path, { recursive: true, force: true }))))

const at = (...names: string[]) => join(folder, ...names)
const options = () => ({ encoding: 'utf8' as const, env: { ...process.env, HOME: at('home'), XDG_STATE_HOME: '' } })
const run = (...args: string[]) => spawnSync(process.execPath, [latent, ...args], options())
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
    const { status, stdout } = seal('--exclude', 'Thumbs.db', '--exclude', '*.tmp', '--exclude', 'raw/**')
    expect({ status, sealed: await sealed() }).toEqual({ status: 0, sealed: ['a.jpg.png', 'b.jpg.png'] })
    expect(stdout).toContain('4 excluded')
    expect(seal('--exclude', '').status).toBe(2)
  })

  test('removes sealed files without sources after showing them, and only if told to', async () => {
    for (const name of ['keep.jpg', 'deleted.jpg', 'renamed.jpg']) await put(name, name)
    seal()
    await rm(at('photos/deleted.jpg'))
    await rename(at('photos/renamed.jpg'), at('photos/new name.jpg'))
    expect(seal().stdout).toContain('2 sealed files whose sources are gone')
    const unasked = seal('--prune')
    expect({ status: unasked.status, error: unasked.stderr }).toMatchObject({
      status: 2,
      error: expect.stringContaining('--yes'),
    })
    expect((await sealed()).length).toBe(4)
    const pruned = seal('--prune', '--yes')
    expect(pruned.status).toBe(0)
    for (const name of ['deleted.jpg.png', 'renamed.jpg.png'])
      expect(pruned.stderr).toContain(`source gone: ${at('sealed', name)}`)
    expect(await sealed()).toEqual(['keep.jpg.png', 'new name.jpg.png'])
  })

  test('says what other recipients mean', async () => {
    for (const name of ['a.jpg', 'b.jpg']) await put(name, name)
    seal()
    const friend = /age1\w+/.exec(await readFile(at('friend.key'), 'utf8'))![0]
    const added = seal('-r', friend)
    expect(added).toMatchObject({ status: 0, stderr: expect.stringContaining('2 files got a new envelope') })
    expect(run('open', at('sealed'), '-o', at('opened'), '-i', at('friend.key')).status).toBe(0)
    expect(await readFile(at('opened/b.jpg'), 'utf8')).toBe('b.jpg')
    const left = seal('--json')
    const notices = left.stdout
      .split('\n')
      .flatMap(line => (line.startsWith('{"notice"') ? [(JSON.parse(line) as { notice: string }).notice] : []))
    expect(notices).toEqual([
      expect.stringContaining('2 files got a new envelope'),
      expect.stringContaining('left out'),
    ])
    expect(run('open', at('sealed'), '-o', at('again'), '-i', at('friend.key')).status).toBe(1)
  })

  test('compares contents when told to, and finds nothing to do otherwise', async () => {
    await put('a.jpg', 'a')
    seal()
    expect(seal('--reread').stdout).toContain('1 sealed and unchanged')
    expect(seal().stdout).toContain('1 sealed and unchanged')
  })

  test('recognises with the key what a lost journal knew, and is helpful without', async () => {
    for (let i = 0; i < 5; i++) await put(`IMG_${i}.jpg`, `${i}`)
    seal()
    await rm(at('sealed/.latent-journal.jsonl'))
    const recipient = /age1\w+/.exec(await readFile(at('me.key'), 'utf8'))![0]
    const without = run('seal', at('photos'), '-o', at('sealed'), '--cipher', 'aes-256-gcm', '-r', recipient)
    expect(without.status).toBe(1)
    expect(without.stderr.match(/hint: give -i IDENTITY/g)?.length).toBe(1)
    expect(without.stderr).toContain('2 more like')
    expect(seal()).toMatchObject({ status: 0, stdout: expect.stringContaining('5 sealed and unchanged') })
  })

  test('started twice at once does everything once', async () => {
    for (let i = 0; i < 40; i++) await put(`${i}.jpg`, `${i}`)
    const children = [0, 1].map(() => {
      const child = spawn(process.execPath, [latent, 'seal', at('photos'), '-o', at('sealed'), '-i', at('me.key')], {
        ...options(),
        stdio: ['ignore', 'pipe', 'pipe'],
      })
      let text = ''
      child.stdout.on('data', (part: Buffer) => (text += part.toString()))
      return once(child, 'close').then(([status]) => ({
        status: status as number,
        done: Number(/^sealed +(\d+)/m.exec(text)?.[1]),
      }))
    })
    const ends = await Promise.all(children)
    expect(ends.map(({ status }) => status)).toEqual([0, 0])
    expect(ends.map(({ done }) => done).toSorted((a, b) => a - b)).toEqual([0, 40])
  })
})
