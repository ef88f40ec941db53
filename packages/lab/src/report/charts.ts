import { parse, View } from 'vega'
import { compile, type TopLevelSpec } from 'vega-lite'

/**
 * Charts as static SVG text, drawn without a browser. Colours are CSS variables of the page, so that
 * one drawing serves light, dark and print.
 */

const SERIES = [1, 2, 3, 4, 5, 6, 7, 8].map(i => `var(--series-${i})`)

const CONFIG = {
  // The whole chart has one label; a label a dot would be most of the page.
  aria: false,
  background: undefined,
  font: 'system-ui, sans-serif',
  padding: 4,
  view: { stroke: 'var(--line)' },
  axis: {
    domainColor: 'var(--line)',
    gridColor: 'var(--grid)',
    tickColor: 'var(--line)',
    labelColor: 'var(--muted)',
    titleColor: 'var(--muted)',
    labelFontSize: 10,
    titleFontSize: 10.5,
    titleFontWeight: 'normal',
  },
  legend: {
    labelColor: 'var(--ink)',
    titleColor: 'var(--muted)',
    labelFontSize: 10.5,
    titleFontSize: 10.5,
    labelLimit: 260,
    orient: 'bottom',
    columns: 2,
    symbolStrokeWidth: 2.5,
  },
  header: { labelColor: 'var(--ink)', titleColor: 'var(--muted)', labelFontSize: 11 },
  title: { color: 'var(--ink)', fontSize: 11.5, fontWeight: 600, anchor: 'start' },
  range: { category: SERIES },
  text: { color: 'var(--ink)' },
} as const

/** @param spec a chart of Vega-Lite; its description or title is what a screen reader says of it */
export async function svg(spec: Readonly<Record<string, unknown>>): Promise<string> {
  const merged = {
    $schema: 'https://vega.github.io/schema/vega-lite/v6.json',
    config: CONFIG,
    ...spec,
  } as unknown as TopLevelSpec
  const view = new View(parse(compile(merged).spec), { renderer: 'none' })
  const text = await view.toSVG()
  view.finalize()
  // Twelve digits of a coordinate are eleven too many for a page; labels keep theirs.
  const short = text.replaceAll(/ (?:d|transform|[xy][12]?|width|height)="[^"]*"/g, attribute =>
    attribute.replaceAll(/-?\d+\.\d{2,}/g, number => String(Math.round(Number(number) * 10) / 10)),
  )
  const words = spec['description'] ?? spec['title']
  return typeof words === 'string' ? short.replace('<svg ', `<svg role="img" aria-label="${escaped(words)}" `) : short
}

const escaped = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('"', '&quot;').replaceAll('<', '&lt;')

/** Histograms of 256 byte values, one panel a channel name. */
export function histogramChart(title: string, counts: ArrayLike<number>): Promise<string> {
  const bins = Array.from({ length: 64 }, (_, b) => ({
    value: 4 * b,
    count: [0, 1, 2, 3].reduce((sum, i) => sum + counts[4 * b + i]!, 0),
  }))
  return svg({
    title,
    description: `how often each byte value occurs: ${title}`,
    width: 150,
    height: 76,
    data: { values: bins },
    mark: { type: 'area', interpolate: 'step-after', color: 'var(--series-1)', opacity: 0.85 },
    encoding: {
      x: {
        field: 'value',
        type: 'quantitative',
        title: null,
        scale: { domain: [0, 252] },
        axis: { values: [0, 128, 252], grid: false },
      },
      y: {
        field: 'count',
        type: 'quantitative',
        title: null,
        axis: { labels: false, ticks: false, grid: false },
        scale: { zero: true },
      },
    },
  })
}

/** Values of neighbouring samples against each other. */
export async function scatterChart(title: string, pairs: readonly { x: number; y: number }[]): Promise<string> {
  const drawn = await svg({
    title,
    description: `values of neighbouring samples against each other: ${title}`,
    width: 90,
    height: 76,
    data: { values: pairs },
    mark: { type: 'point', size: 3, filled: true, color: 'var(--series-1)', opacity: 0.7 },
    encoding: {
      x: {
        field: 'x',
        type: 'quantitative',
        title: null,
        scale: { domain: [0, 255] },
        axis: { values: [0, 255], grid: false },
      },
      y: {
        field: 'y',
        type: 'quantitative',
        title: null,
        scale: { domain: [0, 255] },
        axis: { values: [0, 255], grid: false },
      },
    },
  })
  return withDotsJoined(drawn)
}

/** One path for all dots: a sixth of the page's size. A line of no length with round ends is a dot. */
function withDotsJoined(drawn: string): string {
  let dots = ''
  const rest = drawn.replaceAll(/<path transform="translate\(([^)]*)\)" d="M[^"]*A[^"]*"[^>]*\/>/g, (_, at: string) => {
    dots += `M${at}h0`
    return ''
  })
  const group = rest.indexOf('>', rest.indexOf('role-mark')) + 1
  return (
    `${rest.slice(0, group)}<path d="${dots}" stroke="var(--series-1)" stroke-width="1.8" ` +
    `stroke-linecap="round" opacity="0.7"/>${rest.slice(group)}`
  )
}

/** PSNR in dB that a group of schemes keeps under one strength of one kind of damage. */
export interface CurvePoint {
  readonly kind: string
  readonly strength: string
  readonly scheme: string
  readonly psnr: number
}

/** PSNR after damage, one panel a kind of damage, one line a group of schemes. */
export function robustnessChart(
  points: readonly CurvePoint[],
  kind: string,
  title: string,
  schemes: readonly string[],
): Promise<string> {
  return svg({
    title,
    description: `PSNR after damage: ${title}`,
    width: 470,
    height: 170,
    data: { values: points.filter(point => point.kind === kind) },
    mark: { type: 'line', point: { size: 28, filled: true }, strokeWidth: 2 },
    encoding: {
      x: { field: 'strength', type: 'ordinal', sort: null, title: null, axis: { labelAngle: 0, grid: true } },
      y: { field: 'psnr', type: 'quantitative', title: 'PSNR, dB', scale: { zero: true } },
      color: {
        field: 'scheme',
        type: 'nominal',
        title: null,
        sort: schemes,
        scale: { domain: schemes, range: SERIES },
        legend: null,
      },
    },
  })
}

/** Throughput of encryption, a bar a scheme, on a logarithmic scale; the fastest first. */
export function speedChart(rows: readonly { scheme: string; megabytes: number }[]): Promise<string> {
  const sorted = rows.toSorted((a, b) => b.megabytes - a.megabytes)
  const floor = 10 ** Math.floor(Math.log10(Math.min(...rows.map(({ megabytes }) => megabytes))))
  const y = {
    field: 'scheme',
    type: 'nominal',
    sort: null,
    title: null,
    axis: { labelLimit: 240, labelColor: 'var(--ink)' },
  }
  const powers = [0, 1, 2, 3, 4, 5, 6, 7].map(i => floor * 10 ** i)
  const x = {
    field: 'megabytes',
    type: 'quantitative',
    title: 'encryption, megabytes of samples a second (logarithmic)',
    axis: { values: powers, format: '~r' },
    scale: { type: 'log', domainMin: floor, nice: true },
  }
  return svg({
    description: 'throughput of encryption, a bar a scheme, the fastest first',
    width: 520,
    height: { step: 18 },
    data: { values: sorted },
    layer: [
      {
        mark: { type: 'bar', color: 'var(--series-1)', height: { band: 0.65 } },
        encoding: { y, x, x2: { datum: floor } },
      },
      {
        mark: { type: 'text', align: 'left', dx: 4, fontSize: 10.5 },
        encoding: { y, x, text: { field: 'megabytes', type: 'quantitative', format: '.3~r' } },
      },
    ],
  })
}
