import type { Workers } from '@latent/core/workers'
import { PRESETS } from '@latent/robust'
import { SCALERS } from './scalers.ts'
import type { Outcome, Trial } from './trial.ts'

const SCALES = [0.5, 0.53, 0.6, Math.SQRT1_2, 0.8, 0.9]
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
  console.log(`\n## Pictures that were made smaller, then encoded: restored to the bit, of ${pictures} each\n`)
  row(
    'scaled by',
    'sides',
    ...ENCODED.map(([encoder, quality]) => `${encoder} q${quality}`),
    'as made',
    'as it came back',
  )
  row(...Array.from({ length: ENCODED.length + 4 }, () => '---'))
  const cases = [{ name: 'nothing', to: 1 }, ...Object.keys(SCALERS).flatMap(name => SCALES.map(to => ({ name, to })))]
  const sum = { pictures: 0, failedPictures: 0, frames: 0, failedFrames: 0, wrongFrames: 0 }
  for (const { name, to } of cases) {
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
    const said = outcomes.map(outcome => (outcome ? `${outcome.pictures - outcome.failedPictures}` : 'not installed'))
    for (const outcome of outcomes)
      if (outcome) for (const key of Object.keys(sum) as (keyof typeof sum)[]) sum[key] += outcome[key]
    const [first] = outcomes
    const rates = first ? [first.net / pictures, first.netBack / pictures].map(rate => rate.toFixed(3)) : ['', '']
    row(`${name}${SCALERS[name]?.tuned === false ? ' *' : ''}`, Number(to.toFixed(3)), ...said, ...rates)
  }
  await threads.close()
  console.log(
    `\n${sum.pictures} pictures, ${sum.pictures - sum.failedPictures} restored; ${sum.frames} codewords, ` +
      `${sum.wrongFrames} of them wrong. Rates are payload bits a pixel. * nothing was tuned on it.`,
  )
}
