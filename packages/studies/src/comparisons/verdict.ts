import type { PublishedFigure, PublishedScheme } from '@latent/lab'
import type { Measured } from './measure.ts'

/** The first number of a printed figure; infinite where it says so, undefined where there is none. */
export function printedNumber(value: string): number | undefined {
  if (/infinit/i.test(value)) return Infinity
  const [found] = /-?\d+(\.\d+)?/.exec(value) ?? []
  return found === undefined ? undefined : Number(found)
}

type Compared = 'psnr' | 'ssim' | 'entropy' | 'correlation'

/** How far a measured figure may be off a printed one and still agree: pictures differ. */
const TOLERANCE: Readonly<Record<Compared, number>> = { psnr: 1, ssim: 0.01, entropy: 0.02, correlation: 0.02 }

/** What came of each printed figure, in words. */
export function verdict(published: PublishedScheme | undefined, measured: Measured): string {
  const compared = published ? comparedFigures(published, measured) : []
  return compared.length === 0 ? 'no figure that is open to us' : compared.map(({ words }) => words).join('; ')
}

/** Each printed figure beside the measured one; `met` is open where the two say different things. */
export const comparedFigures = (
  { figures }: PublishedScheme,
  measured: Measured,
): readonly { readonly met: boolean | undefined; readonly words: string }[] =>
  figures.filter(({ metric }) => metric in TOLERANCE).map(figure => compared(figure, measured))

function compared(
  { metric, value, damaged }: PublishedFigure,
  measured: Measured,
): { met: boolean | undefined; words: string } {
  const name = metric === 'psnr' || metric === 'ssim' ? metric.toUpperCase() : metric
  if (damaged) return { met: undefined, words: `${name} printed of damaged ciphers: not compared` }
  const wanted = printedNumber(value)
  if (metric === 'psnr' && measured.exact)
    return { met: true, words: wanted === Infinity ? 'PSNR as printed: exact' : 'PSNR above: exact' }
  const found = foundOf(metric as Compared, measured)
  if (wanted === undefined || found === undefined) return { met: false, words: `${name} not measured` }
  if (wanted === Infinity) return { met: false, words: `${name} not reached: ${found.toFixed(1)} dB, not exact` }
  const tolerance = TOLERANCE[metric as Compared]
  // Of correlation less is better; of the others more.
  const better = metric === 'correlation' ? wanted - found : found - wanted
  if (Math.abs(better) <= tolerance) return { met: true, words: `${name} as printed` }
  const by = `${Math.abs(better).toFixed(metric === 'psnr' ? 1 : 3)}${metric === 'psnr' ? ' dB' : ''}`
  return { met: better > 0, words: better > 0 ? `${name} better by ${by}` : `${name} missed by ${by}` }
}

function foundOf(metric: Compared, { psnr, ssim, entropy, correlation }: Measured): number | undefined {
  if (metric === 'psnr') return psnr
  if (metric === 'ssim') return ssim
  if (metric === 'entropy') return entropy
  return correlation && Math.max(...correlation.map(Math.abs))
}
