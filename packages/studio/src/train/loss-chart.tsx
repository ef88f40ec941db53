import type { Progress } from './trainer.ts'

interface Props {
  readonly curve: readonly Progress[]
  readonly steps: number
  readonly label: string
}

/** Tenfold steps that the chart shows: errors of digits lie between these. */
const [HIGH, LOW] = [0, -4]
const [WIDTH, HEIGHT] = [600, 160]

/** The error over the steps, each line across a tenth of the one above. */
export function LossChart({ curve, steps, label }: Props) {
  const y = (loss: number) => (HEIGHT * (HIGH - Math.max(LOW, Math.min(HIGH, Math.log10(loss))))) / (HIGH - LOW)
  const points = curve.map(({ step, loss }) => `${((WIDTH * step) / steps).toFixed(1)},${y(loss).toFixed(1)}`)
  const lines = Array.from({ length: HIGH - LOW + 1 }, (_, i) => HIGH - i)
  return (
    <div class="loss">
      <svg viewBox={`0 0 ${WIDTH} ${HEIGHT}`} preserveAspectRatio="none" role="img" aria-label={label}>
        {lines.map(power => (
          <path key={power} class="line" d={`M0 ${y(10 ** power)}h${WIDTH}`} />
        ))}
        <polyline points={points.join(' ')} />
      </svg>
      <div class="scale" aria-hidden="true">
        {lines.map(power => (
          <span key={power}>{10 ** power}</span>
        ))}
      </div>
    </div>
  )
}
