import { svg } from '@latent/lab/report'

/** Eight colours that are told apart on white and on dark; a ninth series has the first one again, dashed. */
const COLOURS = 8
/** A file of its own has no page's variables: it brings them along, for light and for dark. */
const THEME = {
  light: {
    paper: '#ffffff',
    ink: '#1b1f26',
    muted: '#5a6372',
    line: '#b8bfca',
    grid: '#e9ecf1',
    series: ['#2457c5', '#c2410c', '#15803d', '#7e22ce', '#a16207', '#0e7490', '#be185d', '#57534e'],
  },
  dark: {
    paper: '#14171c',
    ink: '#e6e9ee',
    muted: '#a0a9b8',
    line: '#4a5361',
    grid: '#272d36',
    series: ['#7aa5ff', '#ff9a66', '#6fd292', '#c79bff', '#f3c06b', '#67d3e8', '#ff8fc0', '#c2bcb6'],
  },
} as const

const variables = ({ series, ...rest }: (typeof THEME)['light' | 'dark']): string =>
  [...Object.entries(rest), ...series.map((colour, i) => [`series-${i + 1}`, colour])]
    .map(([name, colour]) => `--${name}:${colour}`)
    .join(';')

const STYLE =
  `<style>.latent-chart{${variables(THEME.light)};background:var(--paper)}@media ` +
  `(prefers-color-scheme:dark){.latent-chart{${variables(THEME.dark)}}}</style>`

/** A drawing of `svg` as a file that stands alone, and follows the reader's choice of light or dark. */
export const standalone = (drawn: string): string =>
  drawn.replace(/^(<svg [^>]*?)class="marks"([^>]*>)/, `$1class="latent-chart"$2${STYLE}`)

/** A point of a chart; those of one series are drawn alike. */
export interface ChartPoint {
  readonly x: number
  readonly y: number
  readonly series?: string
  /** Written beside the point. */
  readonly caption?: string
}

/** Titles of a chart and its axes, what it is drawn with, and where its axes begin. */
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
  /** The ends of the axis of x, where its values have such (bytes: 0 and 255). */
  readonly rangeX?: readonly [number, number]
  readonly width?: number
  readonly height?: number
}

/** A chart as an SVG file that stands alone. */
export async function chart(
  points: readonly ChartPoint[],
  { title, x, y, mark, logX = false, logY = false, zero = true, rangeX, width = 460, height = 220 }: ChartOptions,
): Promise<string> {
  const series = [...new Set(points.map(point => point.series ?? ''))]
  const captioned = points.some(({ caption }) => caption !== undefined)
  const axes = {
    x: axis(
      points.map(point => point.x),
      { log: logX, zero, ...(rangeX ? { range: rangeX } : {}), roomy: captioned },
    ),
    y: axis(
      points.map(point => point.y),
      { log: logY, zero, roomy: captioned },
    ),
  }
  // Names of schemes are long: a legend that is cut says nothing.
  const legend =
    series.length > 1
      ? {
          columns: series.some(name => name.length > 30) ? 1 : 2,
          labelLimit: 0,
          ...(mark === 'line' ? { symbolType: 'stroke', symbolSize: 180 } : {}),
        }
      : null
  const scale = <T>(range: readonly T[]) => ({ domain: series, range: series.map((_, i) => range[i]) })
  const style = {
    color: {
      field: 'series',
      type: 'nominal',
      title: null,
      sort: series,
      scale: scale(series.map((_, i) => `var(--series-${(i % COLOURS) + 1})`)),
      legend,
    },
    ...(mark === 'line'
      ? {
          strokeDash: {
            field: 'series',
            type: 'nominal',
            title: null,
            sort: series,
            scale: scale(series.map((_, i) => (i < COLOURS ? [1, 0] : [5, 3]))),
            legend,
          },
        }
      : {}),
    ...(mark === 'point'
      ? {
          shape: {
            field: 'series',
            type: 'nominal',
            title: null,
            sort: series,
            scale: scale(series.map((_, i) => (i < COLOURS ? 'circle' : 'diamond'))),
            legend,
          },
        }
      : {}),
  }
  const encoding = {
    x: { field: 'x', type: 'quantitative', title: x, scale: axes.x },
    y: { field: 'y', type: 'quantitative', title: y, scale: axes.y },
    ...style,
  }
  const drawn = await svg({
    title,
    width,
    height,
    data: { values: points.map(point => ({ series: '', ...point })) },
    layer: [
      {
        mark:
          mark === 'line'
            ? { type: 'line', point: { size: 30, filled: true }, strokeWidth: 2 }
            : mark === 'bar'
              ? { type: 'bar', width: Math.max(1, Math.floor(width / Math.max(1, points.length)) - 1) }
              : { type: 'point', size: 60, filled: true, opacity: 1 },
        encoding,
      },
      ...(captioned
        ? captions(points, { x: axes.x, y: axes.y, width, height }).map(({ point, ...place }) => ({
            data: { values: [point] },
            mark: { type: 'text', fontSize: 10, ...place },
            encoding: {
              x: { field: 'x', type: 'quantitative' },
              y: { field: 'y', type: 'quantitative' },
              text: { field: 'caption' },
            },
          }))
        : []),
    ],
  })
  return standalone(drawn)
}

interface Scale {
  readonly type: 'log' | 'linear'
  readonly domain: readonly [number, number]
  readonly nice: boolean
}

/** Ends are set here, so that captions can be placed; a chart with captions leaves room for them. */
function axis(
  values: readonly number[],
  { log, zero, range, roomy }: { log: boolean; zero: boolean; range?: readonly [number, number]; roomy: boolean },
): Scale | { readonly type?: 'log'; readonly zero?: boolean } {
  if (range) return { type: 'linear', domain: range, nice: false }
  if (!roomy) return log ? { type: 'log' } : { zero }
  const [low, high] = [Math.min(...values), Math.max(...values)]
  if (log) return { type: 'log', domain: [low / 1.3, high * 1.3], nice: false }
  const room = (high - low || Math.abs(high) || 1) * 0.08
  return { type: 'linear', domain: [zero ? Math.min(0, low) : low - room, high + room], nice: false }
}

interface Box {
  readonly left: number
  readonly top: number
  readonly right: number
  readonly bottom: number
}

const LETTER = 5.6
const LINE = 11
const overlap = (a: Box, b: Box): number =>
  Math.max(0, Math.min(a.right, b.right) - Math.max(a.left, b.left)) *
  Math.max(0, Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top))

/**
 * A place beside each captioned point, where the caption covers least of other points, of captions placed before it,
 * and of what lies outside.
 */
function captions(
  points: readonly ChartPoint[],
  { x, y, width, height }: { x: object; y: object; width: number; height: number },
): { point: ChartPoint; align: string; baseline: string; dx: number; dy: number }[] {
  const at = ({ domain: [from, to], type }: Scale, value: number) =>
    type === 'log' ? Math.log(value / from) / Math.log(to / from) : (value - from) / (to - from)
  const spots = points.map(point => ({
    point,
    left: width * at(x as Scale, point.x),
    top: height * (1 - at(y as Scale, point.y)),
  }))
  const taken: Box[] = spots.map(({ left, top }) => ({
    left: left - 5,
    top: top - 5,
    right: left + 5,
    bottom: top + 5,
  }))
  return spots.flatMap(({ point, left, top }) => {
    if (point.caption === undefined) return []
    const wide = point.caption.length * LETTER
    const places = [
      { align: 'left', baseline: 'middle', dx: 8, dy: 0 },
      { align: 'right', baseline: 'middle', dx: -8, dy: 0 },
      { align: 'center', baseline: 'bottom', dx: 0, dy: -7 },
      { align: 'center', baseline: 'top', dx: 0, dy: 7 },
      { align: 'left', baseline: 'bottom', dx: 6, dy: -4 },
      { align: 'left', baseline: 'top', dx: 6, dy: 4 },
      { align: 'right', baseline: 'bottom', dx: -6, dy: -4 },
      { align: 'right', baseline: 'top', dx: -6, dy: 4 },
    ].map(place => {
      const from = left + place.dx - (place.align === 'right' ? wide : place.align === 'center' ? wide / 2 : 0)
      const above = top + place.dy - (place.baseline === 'bottom' ? LINE : place.baseline === 'middle' ? LINE / 2 : 0)
      const box = { left: from, top: above, right: from + wide, bottom: above + LINE }
      const outside =
        Math.max(0, -box.left) +
        Math.max(0, box.right - width) +
        Math.max(0, -box.top) +
        Math.max(0, box.bottom - height)
      return { place, box, cost: taken.reduce((sum, other) => sum + overlap(box, other), 0) + LINE * outside }
    })
    const best = places.reduce((least, other) => (other.cost < least.cost ? other : least))
    taken.push(best.box)
    return [{ point, ...best.place }]
  })
}
