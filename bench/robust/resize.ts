import type { Workers } from '@latent/core/workers'
import { PRESETS } from '@latent/robust'
import { SCALERS } from './scalers.ts'
import type { Outcome, Trial } from './trial.ts'

const SCALES = [1, 0.9, 0.8, Math.SQRT1_2, 0.6, 0.53, 0.5]
const ENCODED = [
  ['sharp JPEG 4:2:0', 85],
  ['sharp JPEG 4:2:0', 75],
  ['sharp WebP', 75],
] as const
/** Codewords a picture: small ones, of which many say more, and few pilots measure worse than many. */
const FRAMES = 4

const row = (...cells: readonly (string | number)[]) => console.log(`| ${cells.join(' | ')} |`)

/** Pictures made smaller, then encoded. */
export async function resize(threads: Workers<Trial, Outcome | undefined>, pictures: number): Promise<void> {
  const [, ...scaled] = SCALES
  console.log(`\n## Pictures that were made smaller, then encoded: restored to the bit, of ${pictures} each\n`)
  console.log(`Three numbers: ${ENCODED.map(([encoder, quality]) => `${encoder} q${quality}`).join(', ')}.\n`)
  row('scaled by', ...SCALES.map(to => to.toFixed(3)))
  row(...Array.from({ length: SCALES.length + 1 }, () => '---'))
  const sum = { pictures: 0, failedPictures: 0, frames: 0, failedFrames: 0, wrongFrames: 0 }
  const restored = async (name: string, to: number) => {
    const outcomes = await Promise.all(
      ENCODED.map(([encoder, quality]) =>
        threads.run({
          mode: PRESETS['robust:resize']!.mode,
          encoder,
          quality,
          seed: `resize ${name} ${to}`,
          pictures,
          frames: FRAMES,
          ...(to === 1 ? {} : { scaled: { by: name, to } }),
        }),
      ),
    )
    const found = outcomes.flatMap(outcome => outcome ?? [])
    for (const outcome of found) for (const key of Object.keys(sum) as (keyof typeof sum)[]) sum[key] += outcome[key]
    const said = found.map(outcome => outcome.pictures - outcome.failedPictures).join(' ')
    return { said, rate: (found[0]!.netBack / pictures).toFixed(2) }
  }
  const untouched = await restored('nothing', 1)
  row('nothing', untouched.said, ...scaled.map(() => ''))
  let rates: string[] = []
  for (const [name, { tuned }] of Object.entries(SCALERS)) {
    const cells: Awaited<ReturnType<typeof restored>>[] = []
    for (const to of scaled) cells.push(await restored(name, to))
    row(`${name}${tuned ? '' : ' *'}`, '', ...cells.map(({ said }) => said))
    rates = cells.map(({ rate }) => rate)
  }
  row('bits a pixel that came back', untouched.rate, ...rates)
  await threads.close()
  console.log(
    `\n${sum.pictures} pictures, ${sum.pictures - sum.failedPictures} restored; ${sum.frames} codewords, ` +
      `${sum.wrongFrames} of them wrong. * nothing was tuned on it.`,
  )
}
