// Robust carriers: what comes back from which encoder, at which rate, and how fast. `npm run bench -- robust
// [TABLE] [PICTURES] [PRESET...]`.
import { openWorkers } from '@latent/core/workers'
import { PRESETS } from '@latent/robust'
import { availableParallelism } from 'node:os'
import { ENCODERS } from './robust/encoders.ts'
import { mutualInformation } from './robust/limit.ts'
import type { Outcome, Trial } from './robust/trial.ts'

/** The quality that each preset is made for, and the encoders at it. */
const OWN: Readonly<Record<string, readonly (readonly [encoder: string, quality: number])[]>> = {
  robust: [
    ['sharp JPEG 4:2:0', 75],
    ['mozjpeg', 75],
    ['sharp WebP', 75],
    ['sharp JPEG 4:4:4', 75],
    ['sharp JPEG grey', 75],
    ['sharp JPEG progressive', 75],
    ['JPEG q85, then', 75],
    ['jpeg-js', 75],
    ['cjpeg of Debian', 75],
    ['cwebp of Debian', 75],
    ['ImageMagick', 75],
    ['sharp AVIF', 60],
  ],
  'robust:harsh': [
    ['sharp JPEG 4:2:0', 50],
    ['mozjpeg', 50],
    ['sharp WebP', 50],
    ['jpeg-js', 50],
    ['cjpeg of Debian', 50],
    ['cwebp of Debian', 50],
    ['ImageMagick', 50],
    ['sharp AVIF', 50],
  ],
  'robust:small': [
    ['sharp JPEG 4:2:0', 70],
    ['mozjpeg', 70],
    ['sharp WebP', 70],
    ['jpeg-js', 70],
    ['cjpeg of Debian', 70],
  ],
  'robust:mild': [
    ['sharp WebP', 75],
    ['sharp JPEG 4:2:0', 85],
    ['cwebp of Debian', 75],
    ['cjpeg of Debian', 85],
    ['jpeg-js', 85],
  ],
  'robust:resize': [
    ['sharp JPEG 4:2:0', 75],
    ['sharp WebP', 75],
    ['mozjpeg', 75],
  ],
}
/** Small pictures: many of them say more than few large ones. */
const FRAMES = 2
/** The first encoders of each preset share the pictures; the others get a twenty-fifth each. */
const MAIN = 3

type Tables = Readonly<Record<string, (pictures: number, presets: readonly string[]) => Promise<void>>>

export default async function run([table, pictures = '1000', ...named]: readonly string[]): Promise<void> {
  const tables: Tables = {
    own,
    breaks,
    resize: async pictures => (await import('./robust/resize.ts')).resize(pool(), Math.ceil(pictures / 125)),
    limits,
    learn: async () => {
      if (table === 'learn') await (await import('./robust/learned.ts')).learn()
    },
    learned: async pictures => (await import('./robust/learned.ts')).learned(Math.ceil(pictures / 250)),
    files: async () => (await import('./robust/files.ts')).files(),
    speed: async () => (await import('./robust/files.ts')).speed(),
    hostile: async () => (await import('./robust/hostile.ts')).hostile(),
    browser: async () => (await import('./robust/browser.ts')).browser(),
  }
  if (table !== undefined && !tables[table]) throw new Error(`expected one of ${Object.keys(tables).join(', ')}`)
  for (const [name, show] of Object.entries(tables))
    if (table === undefined || table === name) await show(Number(pictures), named.length > 0 ? named : Object.keys(OWN))
}

const pool = () =>
  openWorkers<Trial, Outcome | undefined>(new URL('robust/trial.ts', import.meta.url), {
    threads: availableParallelism(),
  })

const row = (...cells: readonly (string | number)[]) => console.log(`| ${cells.join(' | ')} |`)

/** Many pictures at the quality that each preset is made for; in slices, so that all threads have work. */
async function own(pictures: number, presets: readonly string[]): Promise<void> {
  console.log('\n## At its own quality\n')
  row(
    'preset',
    'encoder',
    'quality',
    'net rate',
    'information',
    'file',
    'pictures',
    'failed',
    'codewords',
    'failed',
    'wrong',
    'rounds',
  )
  row(...Array.from({ length: 12 }, () => '---'))
  const threads = pool()
  for (const name of presets)
    for (const [index, [encoder, quality]] of OWN[name]!.entries()) {
      const slices = 5 * availableParallelism()
      const each = Math.max(1, Math.ceil((index < MAIN ? pictures / MAIN : pictures / 25) / slices))
      const trials = Array.from({ length: Math.min(slices, pictures) }, (_, slice) => ({
        mode: PRESETS[name]!.mode,
        encoder,
        quality,
        seed: `${name} ${encoder} ${slice}`,
        pictures: each,
        frames: FRAMES,
      }))
      const outcomes: Outcome[] = []
      await threads.each(trials, outcome => void (outcome && outcomes.push(outcome)))
      if (outcomes.length === 0) {
        row(name, encoder, quality, 'not installed', '', '', '', '', '', '', '', '')
        continue
      }
      const sum = total(outcomes)
      row(
        name,
        `${encoder}${ENCODERS[encoder]!.tuned ? '' : ' *'}`,
        quality,
        (sum.net / sum.pictures).toFixed(3),
        (sum.information / sum.pictures).toFixed(3),
        (sum.bits / sum.pictures).toFixed(2),
        sum.pictures,
        sum.failedPictures,
        sum.frames,
        sum.failedFrames,
        sum.wrongFrames,
        (sum.rounds / sum.pictures).toFixed(1),
      )
    }
  await threads.close()
  console.log('\nBits a pixel: payload, what the likelihoods held, the file. * nothing was tuned on it.')
}

function total(outcomes: readonly Outcome[]): Outcome {
  return outcomes.reduce((a, b) => {
    const keys = Object.keys(a) as (keyof Outcome)[]
    return Object.fromEntries(keys.map(key => [key, a[key] + b[key]])) as unknown as Outcome
  })
}

/** The lowest quality, in steps of 5, at which a dozen pictures all come back. */
async function breaks(_: number, presets: readonly string[]): Promise<void> {
  console.log('\n## Lowest quality at which twelve of twelve pictures come back, in steps of 5\n')
  const encoders = [
    'sharp JPEG 4:2:0',
    'mozjpeg',
    'sharp WebP',
    'sharp AVIF',
    'jpeg-js',
    'cjpeg of Debian',
    'cwebp of Debian',
  ]
  row('preset', ...encoders)
  row('---', ...encoders.map(() => '---'))
  const threads = pool()
  for (const name of presets) {
    const cells = await Promise.all(
      encoders.map(async encoder => {
        // By halves: what comes back from one quality comes back from all better ones.
        let [least, most] = [1, 20]
        while (least < most) {
          const step = Math.floor((least + most) / 2)
          const quality = 5 * step
          const outcome = await threads.run({
            mode: PRESETS[name]!.mode,
            encoder,
            quality,
            seed: `breaks ${quality}`,
            pictures: 12,
            frames: 3,
          })
          if (!outcome) return 'not installed'
          if (outcome.failedPictures > 0) least = step + 1
          else most = step
        }
        return most === 20 ? 'none' : String(5 * most)
      }),
    )
    row(name, ...cells)
  }
  await threads.close()
}

/** What any code could carry with a normal signal on all coefficients. */
async function limits(): Promise<void> {
  console.log('\n## Mutual information of a normal signal, standard deviation 45 levels, bits a pixel\n')
  row('encoder', 'quality', 'bits a pixel')
  row('---', '---', '---')
  for (const [encoder, quality] of [
    ['sharp JPEG 4:2:0', 50],
    ['sharp JPEG 4:2:0', 70],
    ['sharp JPEG 4:2:0', 75],
    ['sharp JPEG 4:2:0', 85],
    ['mozjpeg', 50],
    ['mozjpeg', 75],
    ['JPEG q85, then', 75],
    ['sharp WebP', 75],
    ['sharp AVIF', 50],
  ] as const)
    row(encoder, quality, (await mutualInformation(encoder, quality))?.toFixed(2) ?? 'not installed')
}
