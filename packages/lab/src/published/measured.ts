import type { SchemeSummary } from '../run/summary.ts'
import { keySpaceBits } from '../run/claims.ts'
import type { PublishedFigure } from './figure.ts'

/** Our counterpart of a published figure, as text; undefined where the lab measures nothing of the kind. */
export function measuredCounterpart(
  { tests, images, exactShare, psnr, ssim, timing, keySpace, wire, wires }: SchemeSummary,
  metric: PublishedFigure['metric'],
): string | undefined {
  const through = `through a ${wire.join(', ')} cipher`
  switch (metric) {
    case 'psnr':
      return images === 0
        ? undefined
        : [{ format: wire.join(', '), exactShare, psnr }, ...wires]
            .map(
              w =>
                `${w.exactShare === 1 ? 'exact' : `${w.psnr?.mean.toFixed(2) ?? '?'} dB`} through a ${w.format} cipher`,
            )
            .join('; ')
    case 'ssim':
      return ssim && `${ssim.mean.toFixed(4)} ${through}`
    case 'entropy':
      return (
        tests.entropy &&
        `${tests.entropy.value.mean.toFixed(4)} ` +
          `(${tests.entropy.verdict === 'fails' ? 'outside' : 'inside'} the null band)`
      )
    case 'correlation':
      return (['horizontal', 'vertical', 'diagonal'] as const)
        .map(d => `${d[0]!.toUpperCase()} ${tests[`correlation-${d}`]?.value.mean.toFixed(4) ?? '–'}`)
        .join(', ')
    case 'parameters':
      return timing?.parameters?.toLocaleString('en')
    case 'key-space':
      return keySpace && `at most ${keySpaceBits(keySpace.bits)}`
    default:
      return undefined
  }
}
