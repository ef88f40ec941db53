/** One line of a training log: `step` and whatever numbers were measured. */
export type LogEntry = Readonly<Record<string, number>> & { readonly step: number }

const WIDTH = 720
const HEIGHT = 360
const MARGIN = { left: 64, right: 150, top: 20, bottom: 40 }
const COLOURS = ['#1b6ca8', '#c8553d', '#3f7d4e', '#7b4fa6', '#b58900', '#4a4a4a']

/** Fields of a log that are not losses; `perSecond` was written by version 0.1.0. */
export const NO_LOSSES: ReadonlySet<string> = new Set([
  'step',
  'seconds',
  'rate',
  'imagesPerSecond',
  'perSecond',
  'score',
])

/** What names of validation figures begin with. */
const CHECK = 'check.'

/**
 * The losses of a log as an SVG picture, and below them the figures of validation pictures, if there are
 * any; each on a logarithmic scale where all are positive.
 */
export function lossCurve(entries: readonly LogEntry[], title: string): string {
  const names = [...new Set(entries.flatMap(entry => Object.keys(entry)))].filter(
    name => !NO_LOSSES.has(name) && !name.endsWith('.gradient'),
  )
  const panels = [names.filter(name => !name.startsWith(CHECK)), names.filter(name => name.startsWith(CHECK))].filter(
    (found, i) => i === 0 || found.length > 0,
  )
  const headings = [title, 'on validation pictures']
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT * panels.length}" ` +
      'font-family="sans-serif" font-size="11">',
    `<rect width="${WIDTH}" height="${HEIGHT * panels.length}" fill="white"/>`,
    ...panels.flatMap((found, i) => [
      `<g transform="translate(0 ${HEIGHT * i})">`,
      ...panel(entries, found, headings[i]!),
      '</g>',
    ]),
    '</svg>',
    '',
  ].join('\n')
}

/** The given fields of a log over its steps. */
function panel(entries: readonly LogEntry[], names: readonly string[], title: string): string[] {
  const values = entries.flatMap(entry => names.flatMap(name => (Number.isFinite(entry[name]) ? [entry[name]!] : [])))
  const logarithmic = values.length > 0 && values.every(value => value > 0)
  const scale = logarithmic ? Math.log10 : (value: number) => value
  const [low, high] = bounds(values.map(scale))
  const last = Math.max(1, ...entries.map(entry => entry.step))
  const x = (step: number) => MARGIN.left + ((WIDTH - MARGIN.left - MARGIN.right) * step) / last
  const y = (value: number) =>
    HEIGHT - MARGIN.bottom - ((HEIGHT - MARGIN.top - MARGIN.bottom) * (scale(value) - low)) / (high - low)
  const lines = names.map((name, i) => {
    const points = entries.flatMap(entry =>
      Number.isFinite(entry[name]) ? [`${x(entry.step).toFixed(1)},${y(entry[name]!).toFixed(1)}`] : [],
    )
    const colour = COLOURS[i % COLOURS.length]!
    const at = MARGIN.top + 14 + 18 * i
    return (
      `<polyline fill="none" stroke="${colour}" stroke-width="1.5" points="${points.join(' ')}"/>` +
      `<line x1="${WIDTH - MARGIN.right + 10}" y1="${at - 4}" x2="${WIDTH - MARGIN.right + 28}" y2="${at - 4}" ` +
      `stroke="${colour}" stroke-width="2"/>` +
      `<text x="${WIDTH - MARGIN.right + 33}" y="${at}">${escapeText(name.replace(CHECK, ''))}</text>`
    )
  })
  const ticks = Array.from({ length: 5 }, (_, i) => low + ((high - low) * i) / 4).map(at => {
    const value = logarithmic ? 10 ** at : at
    const line = y(value).toFixed(1)
    return (
      `<line x1="${MARGIN.left}" y1="${line}" x2="${WIDTH - MARGIN.right}" y2="${line}" stroke="#ddd"/>` +
      `<text x="${MARGIN.left - 6}" y="${Number(line) + 4}" text-anchor="end">${value.toPrecision(3)}</text>`
    )
  })
  const steps = Array.from({ length: 5 }, (_, i) => Math.round((last * i) / 4)).map(
    step => `<text x="${x(step).toFixed(1)}" y="${HEIGHT - MARGIN.bottom + 18}" text-anchor="middle">${step}</text>`,
  )
  return [
    `<text x="${MARGIN.left}" y="13" font-size="12">${escapeText(title)}</text>`,
    ...ticks,
    ...steps,
    `<text x="${(MARGIN.left + WIDTH - MARGIN.right) / 2}" y="${HEIGHT - 6}" text-anchor="middle">step</text>`,
    ...lines,
  ]
}

function bounds(values: readonly number[]): [number, number] {
  if (values.length === 0) return [0, 1]
  const [low, high] = [Math.min(...values), Math.max(...values)]
  const room = high > low ? (high - low) * 0.05 : 0.5
  return [low - room, high + room]
}

const escapeText = (text: string): string => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;')
