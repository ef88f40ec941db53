import { LatentError } from '@latent/core'
import { PRESETS } from '@latent/robust'
import { openAll, sealRobust } from '@latent/robust/node'
import { createAlbum, Keyring } from '@latent/vault'
import { type FileResult, openFiles, sealFiles } from '@latent/vault/node'
import { createHash } from 'node:crypto'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import sharp, { type Sharp } from 'sharp'
import { ENCODERS } from './encoders.ts'

const row = (...cells: readonly (string | number)[]) => console.log(`| ${cells.join(' | ')} |`)

async function all(results: AsyncIterable<FileResult>): Promise<FileResult[]> {
  const found: FileResult[] = []
  for await (const result of results) found.push(result)
  return found
}

const album = await createAlbum({ passphrase: 'bench', workFactor: 2 })
const common = {
  album,
  lockName: 'bench',
  flows: () => Promise.reject(new LatentError('E_UNSUPPORTED', 'not used')),
  body: { type: 'aes-256-gcm' as const },
}
const keyring = new Keyring().remember(album)

/** Photographs and drawn files, sealed, encoded anew, and opened. */
export async function files(): Promise<void> {
  console.log('\n## Files, sealed, encoded anew and opened\n')
  const folder = mkdtempSync(join(tmpdir(), 'latent-bench-'))
  try {
    const source = join(folder, 'in')
    mkdirSync(source)
    const photos = readdirSync(join(process.env['LATENT_DATA'] ?? '../shared/data', 'bsds500'), {
      recursive: true,
      encoding: 'utf8',
    })
      .filter(name => name.endsWith('.jpg'))
      .slice(0, 120)
    for (const name of photos)
      writeFileSync(
        join(source, basename(name)),
        readFileSync(join(process.env['LATENT_DATA'] ?? '../shared/data', 'bsds500', name)),
      )
    for (let i = 0; i < 100; i++)
      writeFileSync(
        join(source, `drawn-${i}.bin`),
        createHash('shake256', { outputLength: Math.floor(1.12 ** i) + i })
          .update(`file ${i}`)
          .digest(),
      )
    const names = readdirSync(source)
    row('preset', 'files', 'parts', 'left out', 'encoded as', 'bit for bit', 'payload bits a pixel')
    row(...Array.from({ length: 7 }, () => '---'))
    for (const [name, encode, label, spare, lose] of [
      ['robust:2k', (image: Sharp) => image.jpeg({ quality: 75 }), 'JPEG q75', 0, 0],
      ['robust:harsh', (image: Sharp) => image.jpeg({ quality: 50 }), 'JPEG q50', 0, 0],
      ['robust:small', (image: Sharp) => image.jpeg({ quality: 70, mozjpeg: true }), 'mozjpeg q70', 0, 0],
      ['robust:mild', (image: Sharp) => image.webp({ quality: 75 }), 'WebP q75', 0, 0],
      ['robust:small', (image: Sharp) => image.jpeg({ quality: 75 }), 'JPEG q75', 0.12, 10],
    ] as const) {
      const [sealed, served, opened] = ['sealed', 'served', 'opened'].map(part => join(folder, part)) as [
        string,
        string,
        string,
      ]
      await all(sealRobust({ ...common, inputs: [source], output: sealed, preset: { ...PRESETS[name]!, spare } }))
      mkdirSync(served)
      let pixels = 0
      let left = 0
      const parts = readdirSync(sealed).filter(part => part.endsWith('.png'))
      for (const [i, part] of parts.entries()) {
        const { width, height } = await sharp(join(sealed, part)).metadata()
        pixels += width * height
        // One of ten of each set, and never two of one: sets of one or two parts have a spare one too.
        if (lose > 0 && Number(/\.0*(\d+)-of/.exec(part)?.[1]) % lose === 1) {
          left++
          continue
        }
        writeFileSync(
          join(served, `IMG_${parts.length - i}`),
          await encode(sharp(join(sealed, part)).toColourspace('srgb')).toBuffer(),
        )
      }
      await all(openAll({ inputs: [served], output: opened, keyring, flows: common.flows }))
      const same = names.filter(file => {
        try {
          return readFileSync(join(opened, file)).equals(readFileSync(join(source, file)))
        } catch {
          return false
        }
      })
      const bytes = names.reduce((sum, file) => sum + readFileSync(join(source, file)).length, 0)
      row(
        name,
        names.length,
        parts.length,
        left,
        label,
        `${same.length} of ${names.length}`,
        ((8 * bytes) / pixels).toFixed(3),
      )
      for (const part of [sealed, served, opened]) rmSync(part, { recursive: true })
    }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** Both carriers, one after the other, on the same file. */
export async function speed(): Promise<void> {
  console.log('\n## Speed, MB of payload a second, two threads; in brackets a processor second, both carriers alike\n')
  const folder = mkdtempSync(join(tmpdir(), 'latent-bench-'))
  try {
    const input = join(folder, 'in.bin')
    const size = 24e6
    writeFileSync(input, createHash('shake256', { outputLength: size }).update('speed').digest())
    row('carrier', 'seal', 'open', 'beside PNG')
    row('---', '---', '---', '---')
    const seconds = async (work: AsyncIterable<FileResult>) => {
      const [started, before] = [performance.now(), process.cpuUsage()]
      const results = await all(work)
      if (results.some(({ status }) => status !== 'done')) throw new Error(JSON.stringify(results))
      const { user, system } = process.cpuUsage(before)
      return { wall: (performance.now() - started) / 1000, processor: (user + system) / 1e6 }
    }
    type Seconds = Awaited<ReturnType<typeof seconds>>
    const speeds = ({ wall, processor }: Seconds) =>
      `${(size / 1e6 / wall).toFixed(2)} (${(size / 1e6 / processor).toFixed(2)})`
    const open = { keyring, flows: common.flows, threads: 2 }
    const png = join(folder, 'png')
    const pngSeal = await seconds(sealFiles({ ...common, inputs: [input], output: png }))
    const pngOpen = await seconds(openFiles({ ...open, inputs: [png], output: join(folder, 'png-opened') }))
    row('png', speeds(pngSeal), speeds(pngOpen), '1, 1')
    for (const [name, encode, quality] of [
      ['robust:2k', 'sharp JPEG 4:2:0', 75],
      ['robust:harsh', 'sharp JPEG 4:2:0', 50],
      ['robust:resize', 'sharp JPEG 4:2:0', 75],
    ] as const) {
      const sealed = join(folder, name.replace(':', '-'))
      const sealing = await seconds(
        sealRobust({
          ...common,
          inputs: [input],
          output: sealed,
          threads: 2,
          preset: { ...PRESETS[name]!, side: 2048 },
        }),
      )
      for (const part of readdirSync(sealed).filter(part => part.endsWith('.png'))) {
        const made = sharp(join(sealed, part))
        const { width } = await made.metadata()
        // What may be made smaller is.
        const { data, info } = await (name === 'robust:resize' ? made.resize(width / 2) : made)
          .toColourspace('b-w')
          .raw()
          .toBuffer({ resolveWithObject: true })
        const jpeg = await ENCODERS[encode]!.encode({ width: info.width, height: info.height, pixels: data }, quality)
        rmSync(join(sealed, part))
        writeFileSync(join(sealed, `${part}.jpg`), jpeg!)
      }
      const opening = await seconds(
        openAll({ ...open, inputs: [sealed], output: join(folder, `${name.replace(':', '-')}-opened`) }),
      )
      row(
        `${name}, ${encode} q${quality}`,
        speeds(sealing),
        speeds(opening),
        `${(pngSeal.wall / sealing.wall).toFixed(3)}, ${(pngOpen.wall / opening.wall).toFixed(3)}`,
      )
    }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}
