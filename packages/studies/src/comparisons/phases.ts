import { decodePng } from '@latent/core/png'
import { type Image, LatentError } from '@latent/core'
import { ATTACKS, runTrial, type TrialRow } from '@latent/lab'
import { findScheme } from '@latent/schemes'
import type { StudyContext, StudySection } from '../study.ts'
import { wall } from './wall.ts'

const [ATTACK, SCHEME] = ['phase-retrieval', 'drpe-1995']
const BUDGETS = [1, 2, 3, 4]
const MOST = 4

/** Random phase encoding under known pictures: how many of them it takes, with what they give. */
export async function phaseSection({ quick }: StudyContext): Promise<StudySection> {
  const attack = ATTACKS.find(({ id }) => id === ATTACK)
  if (!attack) throw new LatentError('E_INTERNAL', `the lab has no attack ${ATTACK}`)
  const rows: TrialRow[] = []
  for (const budget of quick ? [MOST] : BUDGETS)
    rows.push(await runTrial(attack, findScheme(SCHEME), { budget, key: 0, nonces: 'as meant' }))
  return {
    heading: 'Random phase encoding falls to known pictures',
    text: [
      '`drpe-1995` scatters light by two random masks, and its cipher fields have no structure to see. But the ' +
        'length of a field behind a lens does not change under the second mask, so each known picture gives two ' +
        'amplitudes of one field, and phases between them are retrieved (Peng et al. 2006): the `phase-retrieval` ' +
        'attack of the lab finds the masks and opens every other field of the size. Shown is a picture that it was ' +
        'not given. SSIM is that of the opened pictures, means over 12; whoever shows the mean of public pictures ' +
        'has the last column.',
    ],
    tables: [
      {
        columns: ['known pictures', 'SSIM', 'PSNR', 'lowest PSNR', 'SSIM of guessing'],
        rows: rows.map(row => {
          const opened = row.targets.flatMap(target => ('ssim' in target ? [target] : []))
          const decibels = opened.flatMap(({ psnr }) => psnr ?? [])
          const mean = (values: readonly number[]) => values.reduce((a, b) => a + b, 0) / values.length
          return opened.length === 0
            ? [row.budget, 'nothing', '–', '–', '–']
            : [
                row.budget,
                mean(opened.map(({ ssim }) => ssim)).toFixed(4),
                decibels.length === 0 ? 'exact' : `${mean(decibels).toFixed(1)} dB`,
                decibels.length === 0 ? 'exact' : `${Math.min(...decibels).toFixed(1)} dB`,
                row.nothing?.guess.toFixed(4) ?? '–',
              ]
        }),
      },
    ],
    figures: [
      {
        name: 'phase-retrieval',
        caption: 'Random phase encoding, opened from known pictures under the same masks.',
        svg: wall(
          rows.flatMap(({ budget, shown }) => (shown ? [tileOf(budget, shown)] : [])),
          'Double random phase encoding opened by phase retrieval',
        ),
      },
    ],
  }
}

/** The three pictures of a trial. */
function tileOf(budget: number, shown: string) {
  const strip = decodePng(Uint8Array.from(atob(shown), letter => letter.charCodeAt(0))) as Image<'u8'>
  const part = (n: number): Image<'u8'> => {
    const width = strip.width / 3
    const row = width * strip.channels
    const data = new Uint8Array(row * strip.height)
    for (let y = 0; y < strip.height; y++)
      data.set(strip.data.subarray((3 * y + n) * row, (3 * y + n + 1) * row), y * row)
    return { ...strip, width, data }
  }
  return {
    label: `${budget} known picture${budget === 1 ? '' : 's'}`,
    pictures: ['plain', 'cipher', 'opened'].map((caption, n) => ({ caption, image: part(n) })),
  }
}
