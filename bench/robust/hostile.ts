import { LatentError } from '@latent/core'
import { execFileSync } from 'node:child_process'
import { randomFillSync } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import sharp from 'sharp'
import { sharpPixels } from '../../packages/robust/src/node/pixels.ts'
import { readPicture } from '../../packages/robust/src/read.ts'

const [WIDTH, HEIGHT] = [8000, 5000]

/** 40 megapixels of noise that never was a carrier, each file read by a process of its own. */
export async function hostile(): Promise<void> {
  console.log(`\n## Noise that never was a carrier, ${WIDTH} x ${HEIGHT} pixels\n`)
  console.log('| file | answer | processor seconds | most memory, MB |\n| --- | --- | --- | --- |')
  const folder = mkdtempSync(join(tmpdir(), 'latent-bench-'))
  try {
    const noise = sharp(randomFillSync(new Uint8Array(WIDTH * HEIGHT)), {
      raw: { width: WIDTH, height: HEIGHT, channels: 1 },
    })
    for (const format of ['jpeg', 'webp', 'png'] as const) {
      const path = join(folder, format)
      const file = noise.clone().toFormat(format, format === 'png' ? { compressionLevel: 0 } : {})
      writeFileSync(path, await file.toBuffer())
      const line = execFileSync(process.execPath, [import.meta.filename, path], { encoding: 'utf8' })
      console.log(`| ${format} | ${line.trim()} |`)
    }
  } finally {
    rmSync(folder, { recursive: true })
  }
}

async function readOne(path: string): Promise<void> {
  const said = await readPicture(readFileSync(path), sharpPixels).then(
    () => 'read',
    (error: unknown) => (error instanceof LatentError ? error.code : String(error)),
  )
  const { userCPUTime, systemCPUTime, maxRSS } = process.resourceUsage()
  console.log(`${said} | ${((userCPUTime + systemCPUTime) / 1e6).toFixed(1)} | ${(maxRSS / 1024).toFixed(0)}`)
}

if (import.meta.main && process.argv[2] !== undefined) await readOne(process.argv[2])
