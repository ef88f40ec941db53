import type { Figures } from './study.ts'

interface Props {
  readonly figures: Figures
  readonly label: string
}

/** 256 bars, the highest of them as high as the chart. */
export function Histogram({ figures: { histogram }, label }: Props) {
  const most = Math.max(...histogram)
  const path = histogram.map((count, v) => `M${v + 0.5} 100V${(100 - (100 * count) / most).toFixed(1)}`).join('')
  return (
    <svg class="chart" viewBox="0 0 256 100" preserveAspectRatio="none" role="img" aria-label={label}>
      <path d={path} />
    </svg>
  )
}

/** Each neighbour against the one on its left. */
export function Scatter({ figures: { pairs }, label }: Props) {
  const path = pairs.map(({ x, y }) => `M${x} ${255 - y}h2`).join('')
  return (
    <svg class="chart square" viewBox="-2 -2 260 260" role="img" aria-label={label}>
      <path d={path} />
    </svg>
  )
}
