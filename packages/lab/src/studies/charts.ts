import { svg } from '../report/charts.ts'

/** Colours that read on white and on dark pages alike: a file of its own has no page's variables. */
const PALETTE = ['#2f78b7', '#c8553d', '#3f8f5a', '#8a5bb0', '#b58900', '#6b7280', '#0e8a9c', '#c2478d', '#7a6a2f', '#5663d6', '#8c3b2a', '#5fae57', '#2b3440']
const INK: Readonly<Record<string, string>> = { line: '#9aa0a6', grid: '#d7dadd', muted: '#6b7280', ink: '#4b5563' }

export interface ChartPoint {
  readonly x: number
  readonly y: number
  readonly series?: string
  /** Written beside the point. */
  readonly label?: string
}

export interface ChartOptions {
  readonly title: string
  readonly x: string
  readonly y: string
  /** `line` joins the points of a series in order of x; `bar` draws one bar a point. */
  readonly mark: 'line' | 'point' | 'bar'
  readonly logX?: boolean
  readonly logY?: boolean
  /** Axes start at zero unless this is false. */
  readonly zero?: boolean
  readonly width?: number
  readonly height?: number
}

/** A chart as an SVG file that stands alone. */
export async function chart(points: readonly ChartPoint[], { title, x, y, mark, logX = false, logY = false, zero = true, width = 460, height = 220 }: ChartOptions): Promise<string> {
  const series = [...new Set(points.map(point => point.series ?? ''))]
  const scale = (log: boolean) => (log ? { type: 'log' } : { zero })
  const encoding = {
    x: { field: 'x', type: 'quantitative', title: x, scale: scale(logX) },
    y: { field: 'y', type: 'quantitative', title: y, scale: scale(logY) },
    color: { field: 'series', type: 'nominal', title: null, sort: series, scale: { domain: series, range: PALETTE }, ...(series.length > 1 ? {} : { legend: null }) },
  }
  const drawn = await svg({
    title,
    width,
    height,
    background: 'white',
    data: { values: points.map(point => ({ series: '', ...point })) },
    layer: [
      { mark: mark === 'line' ? { type: 'line', point: { size: 30, filled: true }, strokeWidth: 2 } : mark === 'bar' ? { type: 'bar', width: Math.max(1, Math.floor(width / Math.max(1, points.length)) - 1) } : { type: 'point', size: 60, filled: true, opacity: 1 }, encoding },
      ...(points.some(({ label }) => label !== undefined) ? [{ transform: [{ filter: 'isValid(datum.label)' }], mark: { type: 'text', align: 'left', dx: 7, dy: -5, fontSize: 10 }, encoding: { x: encoding.x, y: encoding.y, text: { field: 'label' } } }] : []),
    ],
  })
  return drawn.replaceAll(/var\(--([a-z]+)(?:-\d)?\)/g, (_, name: string) => INK[name] ?? PALETTE[0]!)
}
