import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import sharp from 'sharp'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { latentHere } from './command.ts'

let root: string
const at = (...parts: string[]) => join(root, ...parts)
const latent = (...args: readonly string[]) => latentHere(args, { cwd: root })

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'latent-scaled-'))
})
afterAll(() => rm(root, { recursive: true, force: true }))

/** What a service makes of a picture. */
async function serve(from: string, to: string, scale: number): Promise<void> {
  const { width } = await sharp(at(from)).metadata()
  const smaller = sharp(at(from))
    .resize(Math.round(scale * width))
    .toColourspace('srgb')
  await writeFile(at(to), await smaller.jpeg({ quality: 75 }).toBuffer())
}

test('robust:resize opens after a service has made its picture smaller, or is refused with the scale', async () => {
  await latent('keygen', '-o', 'me.key')
  await writeFile(at('photo.jpg'), 'a photograph')
  await latent('seal', 'photo.jpg', '-o', 'carriers', '-i', 'me.key', '--carrier', 'robust:resize')
  const [name] = (await readdir(at('carriers'))).filter(name => name.endsWith('.png'))
  for (const folder of ['album', 'small']) await mkdir(at(folder))
  await serve(join('carriers', name!), join('album', 'IMG_1.jpg'), 0.6)
  await serve(join('carriers', name!), join('small', 'IMG_1.jpg'), 0.3)
  expect((await latent('open', 'album', '-o', 'back', '-i', 'me.key')).code).toBe(0)
  expect(await readFile(at('back', 'photo.jpg'), 'utf8')).toBe('a photograph')
  const { code, err } = await latent('open', 'small', '-o', 'none', '-i', 'me.key')
  expect(code).not.toBe(0)
  expect(err).toContain('a robust carrier that was scaled to 30 % of its sides')
})

test('a probe that was made smaller says which preset survives that, and up to which side', async () => {
  await latent('probe', 'make', '-o', 'probe.png', '--side', '640')
  for (const [scale, file] of [
    [0.5, 'half.jpg'],
    [0.3, 'third.jpg'],
  ] as const)
    await serve('probe.png', file, scale)
  const half = await latent('probe', 'read', 'half.jpg', '--side', '640')
  expect(half.out).toContain('scale     0.5000: the service allows 320 pixels a side')
  expect(half.out).toMatch(/^5 +0\.\d+ +1\/1 +0\.\d+ +0\.600 +0\.\d+$/m)
  expect(half.out).toContain('Fits: robust:resize (up to 640 pixels a side).')
  const third = await latent('probe', 'read', 'third.jpg', '--side', '640')
  expect(third.out).toContain('What was scaled so carries nothing.')
  expect(third.out).toContain('--side 192, and seal with a preset of at most that side.')
})
