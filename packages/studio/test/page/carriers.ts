import { LatentError } from '@latent/core'
import { PRESETS } from '@latent/robust'
import { sealRobust } from '@latent/robust/node'
import { createAlbum } from '@latent/vault'
import { mkdtemp, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import sharp, { type Sharp } from 'sharp'

/** What a service makes of a picture. */
export type Service = (picture: Sharp) => Sharp

/** Services that write JPEG, WebP and AVIF. */
export const SERVICES = {
  jpeg: picture => picture.jpeg({ quality: 80 }),
  webp: picture => picture.webp({ quality: 80 }),
  avif: picture => picture.avif({ quality: 80, effort: 0 }),
} as const satisfies Readonly<Record<string, Service>>

/**
 * Seals files into small robust carriers, and gives them to services.
 * @returns pictures by name, in the order of their parts; services take turns
 */
export async function carriersOf(
  files: Readonly<Record<string, Uint8Array>>,
  recipient: string,
  services: readonly (keyof typeof SERVICES)[],
): Promise<Record<string, Uint8Array<ArrayBuffer>>> {
  const folder = await mkdtemp(join(tmpdir(), 'latent-carriers-'))
  const [input, output] = [join(folder, 'in'), join(folder, 'out')]
  await mkdir(input)
  for (const [name, bytes] of Object.entries(files)) await writeFile(join(input, name), bytes)
  const run = sealRobust({
    inputs: [input],
    output,
    album: await createAlbum({ recipients: [recipient] }),
    lockName: 'test',
    flows: () => Promise.reject(new LatentError('E_UNSUPPORTED', 'not needed here')),
    body: { type: 'aes-256-gcm' },
    preset: { ...PRESETS['robust']!, side: 512 },
    threads: 2,
  })
  for await (const { status } of run) if (status !== 'done') throw new Error('a file was not sealed')
  const names = (await readdir(output)).filter(name => name.endsWith('.png')).toSorted()
  const served: Record<string, Uint8Array<ArrayBuffer>> = {}
  for (const [index, name] of names.entries()) {
    const service = services[index % services.length]!
    const picture = sharp(await readFile(join(output, name))).toColourspace('srgb')
    served[`IMG_${index}.${service}`] = new Uint8Array(await SERVICES[service](picture).toBuffer())
  }
  await rm(folder, { recursive: true })
  return served
}
