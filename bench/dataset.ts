// `latent dataset encrypt` on CIFAR-10's 50,000 training images, or as many noise images without LATENT_DATA,
// beside `cp -r` of the same files in the same run. Options: schemes to measure; --folders for 50,000 PNG files.
import { type Image, image } from '@latent/core'
import { encodePng } from '@latent/core/png'
import { encodeCifarBatch, parseCifarBatch } from '@latent/data'
import { openData } from '@latent/data/node'
import { learnableSchemes } from '@latent/schemes/learnable'
import { spawnSync } from 'node:child_process'
import { randomFillSync } from 'node:crypto'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const BATCHES = 5
const BATCH_IMAGES = 10_000
const TARGET_SECONDS = 20
const DEFAULT_SCHEMES = [
  'vortex-2024',
  'vortex-2024-bijective',
  ...learnableSchemes.map(({ id }) => id),
  'fixed-permutation',
  'aes-256-ctr',
]

export default async function run(options: readonly string[]): Promise<void> {
  const schemes = options.filter(option => !option.startsWith('--'))
  const folder = mkdtempSync(join(tmpdir(), 'latent-bench-'))
  try {
    const batches = join(folder, 'batches')
    await writeBatches(batches)
    const source = options.includes('--folders') ? writeFolders(batches, join(folder, 'plain')) : batches
    const key = join(folder, 'key')
    writeFileSync(key, randomFillSync(new Uint8Array(32)))
    for (const scheme of schemes.length > 0 ? schemes : DEFAULT_SCHEMES) {
      const copied = seconds('cp', ['-r', source, join(folder, 'copy')])
      const encrypted = seconds(process.execPath, [
        join(import.meta.dirname, '../packages/cli/bin/latent.js'),
        'dataset',
        'encrypt',
        source,
        join(folder, 'out'),
        '--scheme',
        scheme,
        '--key-file',
        key,
      ])
      for (const name of ['copy', 'out']) rmSync(join(folder, name), { recursive: true })
      const images = BATCHES * BATCH_IMAGES
      console.log(
        `${scheme.padEnd(26)} ${encrypted.toFixed(1)} s, ${Math.round(images / encrypted)} images/s, ` +
          `${(encrypted / copied).toFixed(1)} times cp -r; ` +
          `${encrypted < TARGET_SECONDS ? 'within' : 'beyond'} ${TARGET_SECONDS} s`,
      )
    }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

function seconds(command: string, args: readonly string[]): number {
  const started = performance.now()
  const { status, stderr } = spawnSync(command, args, { encoding: 'utf8' })
  if (status !== 0) throw new Error(`${command} failed: ${stderr}`)
  return (performance.now() - started) / 1000
}

async function writeBatches(folder: string): Promise<void> {
  mkdirSync(folder)
  const data = process.env['LATENT_DATA'] ?? join(import.meta.dirname, '../../shared/data')
  const pictures = existsSync(join(data, 'cifar10')) ? (await openData('cifar10/train', data)).pictures : undefined
  console.log(pictures ? 'the training images of CIFAR-10' : 'noise images: there is no CIFAR-10 in LATENT_DATA')
  for (let b = 0; b < BATCHES; b++) {
    const images: Image<'u8'>[] = []
    for (let i = 0; i < BATCH_IMAGES; i++) {
      images.push(
        pictures
          ? ((await pictures[b * BATCH_IMAGES + i]!.load()) as Image<'u8'>)
          : image({ width: 32, height: 32, channels: 3, format: 'u8', data: randomFillSync(new Uint8Array(3072)) }),
      )
    }
    writeFileSync(
      join(folder, `data_batch_${b + 1}.bin`),
      encodeCifarBatch(
        images,
        Uint8Array.from(images, (_, i) => i % 10),
      ),
    )
  }
}

function writeFolders(batches: string, folder: string): string {
  for (let b = 1; b <= BATCHES; b++) {
    for (const [i, picture] of parseCifarBatch(readFileSync(join(batches, `data_batch_${b}.bin`))).entries()) {
      mkdirSync(join(folder, `class-${i % 10}`), { recursive: true })
      writeFileSync(join(folder, `class-${i % 10}`, `${b}-${i}.png`), encodePng(picture))
    }
  }
  return folder
}
