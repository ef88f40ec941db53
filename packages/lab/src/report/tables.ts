import { LOCAL_PUBLISHED, localCorrected, npcrLimits, uaciLimits } from '../metrics/index.ts'
import type { Interval } from '../statistics/bootstrap.ts'
import { claimsFrom, keySpaceBits } from '../run/claims.ts'
import type { TimingRow } from '../run/rows.ts'
import type { SchemeSummary, Summary } from '../run/summary.ts'
import type { TestResult } from '../run/test-results.ts'
import { controlRole, type TestCard, testsOf, TOGETHER } from '../tests/index.ts'
import { publishedFor } from '../published/figures.ts'
import { measuredCounterpart } from '../published/measured.ts'
import { html, type Markup } from './page.ts'
import { shortP } from './together.ts'

/** Tables of a report; each says in its heading what it holds. */

const NOT_MEASURED = html`<span class="none" title="not measured">–</span>`

const MARK = { 'not contradicted': ['pass', '✓'], fails: ['fail', '✗'], 'not measured': ['none', '–'] } as const

/** One row a scheme, one column a test of single images; the others have {@link togetherTable}. */
export function verdictTable(summary: Summary): Markup {
  const all = testsOf(summary).filter(({ group }) => !TOGETHER.includes(group))
  const groups = [...new Set(all.map(({ group }) => group))].map(
    group => [group, all.filter(test => test.group === group)] as const,
  )
  const tests = groups.flatMap(([, members]) => members)
  const firsts = new Set(groups.map(([, members]) => members[0]))
  return html`<div class="scroll"><table class="verdicts">
<thead>
<tr><th></th>${groups.map(
    ([group, members]) => html`<th class="group" colspan="${members.length}"><small>${group}</small></th>`,
  )}</tr>
<tr><th>scheme</th>${tests.map(
    test => html`<th class="${firsts.has(test) ? 'group' : ''}"><span>${test.title}</span></th>`,
  )}</tr>
</thead>
<tbody>${summary.results.map(
    result =>
      html`<tr><th>${result.title}<small><code>${result.id}</code>${role(result.id)}</small></th>${tests.map(test =>
        verdictCell(result, test.id, firsts.has(test)),
      )}</tr>`,
  )}</tbody>
</table></div>`
}

function role(id: string): string {
  const control = controlRole(id)
  return control ? ` · ${control} control` : ''
}

function verdictCell({ tests }: SchemeSummary, id: string, first: boolean): Markup {
  const test = tests[id]
  const [style, mark] = MARK[test?.verdict ?? 'not measured']
  const told = test
    ? `${test.passed} of ${test.replicates} at p ≥ 0.01, smallest p ` +
      `${test.smallestP.toExponential(1)}, after all tests ${shortP(test.adjusted ?? test.smallestP)}`
    : 'not measured'
  return html`<td class="${style}${first ? ' group' : ''}" title="${told}">${mark}</td>`
}

const show = (interval: Interval | undefined, digits: number): Markup | string =>
  interval
    ? html`${fixed(interval.mean, digits)}<small>${fixed(interval.low, digits)} to
    ${fixed(interval.high, digits)}</small>`
    : '–'

// A correlation of -0.00003 is no "-0.0000".
const fixed = (value: number, digits: number): string => value.toFixed(digits).replace(/^-(0\.0*)$/, '$1')

const percent = (interval: Interval | undefined, digits: number): Markup | string =>
  interval
    ? show({ ...interval, mean: 100 * interval.mean, low: 100 * interval.low, high: 100 * interval.high }, digits)
    : '–'

/**
 * The values of all tests that have a column, in up to three tables: means with 95 % bootstrap intervals over images.
 */
export function valueTables(summary: Summary): Markup {
  const tests = testsOf(summary).filter(({ column }) => column)
  const ofCipher = tests.filter(({ group }) => group === 'cipher' || TOGETHER.includes(group))
  const others = tests.filter(test => !ofCipher.includes(test))
  const shares = others.filter(({ column }) => column!.unit === '%')
  return html`${valueTable(summary, ofCipher, 'scheme')}
${valueTable(summary, shares, 'scheme, all in %')}${valueTable(
    summary,
    others.filter(test => !shares.includes(test)),
    'scheme',
  )}`
}

function valueTable({ results }: Summary, tests: readonly TestCard[], corner: string): Markup | undefined {
  if (tests.length === 0) return undefined
  return html`<div class="scroll"><table>
<thead><tr><th>${corner}</th>${tests.map(
    ({ column, published }) =>
      html`<th class="number">${lines(column!.heading)}</th>${
        published && html`<th class="number">${lines('in published\ninterval')}</th>`
      }`,
  )}</tr></thead>
<tbody>${results.map(
    ({ id, tests: found }) => html`<tr><th>${id}</th>${tests.map(test => valueCells(test, found[test.id]))}</tr>`,
  )}</tbody>
</table></div>`
}

const lines = (text: string): Markup =>
  html`${text.split('\n').map((line, at) => html`${at > 0 && html`<br>`}${line}`)}`

function valueCells({ column, published }: TestCard, found: TestResult | undefined): Markup {
  const value = column!.unit === '%' ? percent(found?.value, column!.digits) : show(found?.value, column!.digits)
  const inside = found?.insidePublished === undefined ? '–' : `${Math.round(100 * found.insidePublished)} %`
  return html`<td class="number">${value}</td>${published && html`<td class="number">${inside}</td>`}`
}

const both = ({ low, high }: { low: number; high: number }): string =>
  `${(100 * low).toFixed(4)} to ${(100 * high).toFixed(4)}`

/** The limits that single images are held to, for every size in the run. */
export function limitTable({ results }: Summary): Markup {
  const counts = [...new Set(results.flatMap(({ plainShapes }) => plainShapes.map(shapeBytes)))].slice(0, 6)
  const local = localCorrected(0.05)
  return html`<div class="scroll"><table>
<thead><tr><th>bytes a cipher</th><th class="number">NPCR %, 0.05</th><th class="number">NPCR %, 0.01</th>
<th class="number">UACI %, 0.05</th><th class="number">UACI %, 0.01</th></tr></thead>
<tbody>${counts.map(
    n =>
      html`<tr><th>${n.toLocaleString('en')}</th><td class="number">${both(npcrLimits(n, 0.05))}</td>
      <td class="number">${both(npcrLimits(n, 0.01))}</td><td class="number">${both(uaciLimits(n, 0.05))}</td>
      <td class="number">${both(uaciLimits(n, 0.01))}</td></tr>`,
  )}</tbody>
</table></div>
<p>Local entropy at 0.05: corrected ${local.low.toFixed(6)} to ${local.high.toFixed(6)}; published
${LOCAL_PUBLISHED[0.05].low} to ${LOCAL_PUBLISHED[0.05].high}, which holds about 28 % of truly random images because its
half-width divides by the number of blocks and not by its root.</p>`
}

/** What comes back, and what becomes of damage and wrong keys. */
export function recoveryTable({ results }: Summary): Markup {
  return html`<div class="scroll"><table>
<thead><tr><th>scheme</th><th class="number">images</th><th>recovery</th><th class="number">SSIM</th>
<th class="number">MS-SSIM</th><th class="number">largest error</th><th>cipher wire</th><th class="number">cipher
size</th><th>one key bit wrong</th><th class="number">one cipher sample wrong</th></tr></thead>
<tbody>${results.map(
    result =>
      html`<tr><th>${result.id}</th><td class="number">${result.images}</td><td>${recovery(result)}</td>
      <td class="number">${similarity(result, 'ssim')}</td><td class="number">${similarity(result, 'msSsim')}</td>
      <td class="number">${result.maxError ?? NOT_MEASURED}</td><td>${result.wire.join(', ') || NOT_MEASURED}</td>
      <td class="number">${
        result.expansion === undefined ? NOT_MEASURED : `× ${result.expansion.toFixed(4)}`
      }</td><td>${wrongKey(result)}</td><td class="number">${damage(result)}</td></tr>`,
  )}</tbody>
</table></div>`
}

/** Keys, parameters and time. */
export function costTable({ results }: Summary): Markup {
  const yardstick = results.find(({ id }) => id === 'aes-256-ctr')?.timing
  return html`<div class="scroll"><table>
<thead><tr><th>scheme</th><th>key space</th><th class="number">encrypt</th><th class="number">decrypt</th>
<th class="number">encrypt,<br>times AES-CTR</th><th class="number">parameters</th>
<th class="number">multiply-accumulates</th></tr></thead>
<tbody>${results.map(
    result =>
      html`<tr><th>${result.id}</th><td>${keySpace(result)}<small>${result.keySpace?.note ?? ''}</small></td>
      <td class="number">${speed(result, 'encryptMs')}</td><td class="number">${speed(result, 'decryptMs')}</td>
      <td class="number">${ratio(result.timing, yardstick)}</td><td class="number">${
        result.timing?.parameters?.toLocaleString('en') ?? '–'
      }</td><td class="number">${
        result.timing?.macs === undefined ? '–' : `${(result.timing.macs / 1e9).toFixed(3)} G`
      }</td></tr>`,
  )}</tbody>
</table></div>`
}

function ratio(timing: TimingRow | undefined, yardstick: TimingRow | undefined): string {
  if (!timing || !yardstick || timing.plain !== yardstick.plain) return '–'
  const times = timing.encryptMs / yardstick.encryptMs
  return times >= 100 ? Math.round(times).toLocaleString('en') : times.toPrecision(2)
}

const similarity = (result: SchemeSummary, which: 'ssim' | 'msSsim'): Markup | string =>
  result.exactShare === 1 && result[which] ? '1' : show(result[which], 4)
function recovery(result: SchemeSummary): Markup | string {
  if (result.exactShare === undefined) return NOT_MEASURED
  const narrower = result.wires.map(
    ({ format, exactShare, psnr }) =>
      html`<small>${format}: ${exactShare === 1 ? 'exact' : `${psnr?.mean.toFixed(2) ?? '–'} dB`}</small>`,
  )
  if (result.exactShare === 1) return html`exact${narrower}`
  return html`${
    result.psnr ? `${result.psnr.mean.toFixed(2)} dB` : '–'
  }<small>${Math.round(100 * result.exactShare)} % exact</small>${narrower}`
}

const wrongKey = ({ wrongKey }: SchemeSummary): string =>
  wrongKey === undefined
    ? '–'
    : wrongKey === 'refused'
      ? 'refused'
      : wrongKey === 'exact'
        ? 'the image itself'
        : `${wrongKey.mean.toFixed(1)} dB`
const damage = ({ trail }: SchemeSummary): string =>
  trail === undefined
    ? '–'
    : trail === 'refused'
      ? 'refused'
      : `${trail.mean < 100 ? trail.mean.toFixed(1) : Math.round(trail.mean).toLocaleString('en')} samples`
const keySpace = ({ keySpace, traits }: SchemeSummary): string =>
  traits.secret === 'none' ? 'no key' : keySpace ? `≤ ${keySpaceBits(keySpace.bits)}` : `in the ${traits.secret}`

const shapeBytes = (shape: string): number =>
  shape
    .split(' ')[0]!
    .split('x')
    .reduce((product, side) => product * Number(side), 1) * (shape.endsWith('u16') ? 2 : 1)

/** Megabytes of samples a second. */
export function throughput({ timing }: SchemeSummary, which: 'encryptMs' | 'decryptMs'): number | undefined {
  return timing ? shapeBytes(timing.plain) / 1e3 / timing[which] : undefined
}

function speed(result: SchemeSummary, which: 'encryptMs' | 'decryptMs'): Markup | string {
  const rate = throughput(result, which)
  return rate === undefined
    ? '–'
    : html`${
        rate >= 100 ? Math.round(rate).toLocaleString('en') : rate.toPrecision(3)
      } MB/s<small>${result.timing![which].toFixed(2)} ms</small>`
}

/** What each result allows us to say, and what not. */
export function claimsTable(result: SchemeSummary, tests: readonly TestCard[]): Markup {
  const style = {
    'not contradicted': 'pass',
    contradicted: 'fail',
    'not measured': 'none',
    'as stated': 'none',
  } as const
  return html`<div class="scroll"><table class="claims">
<thead><tr><th>topic</th><th>standing</th><th>what may be said</th><th>what may not</th></tr></thead>
<tbody>${claimsFrom(result, tests).map(
    claim =>
      html`<tr><th>${claim.topic}</th><td class="${style[claim.standing]}">${claim.standing}</td><td>${claim.say}</td>
      <td>${claim.never}</td></tr>`,
  )}</tbody>
</table></div>`
}

/** A paper's figures beside ours; undefined where nothing is published, or nothing known. */
export function publishedTable(result: SchemeSummary): Markup | undefined {
  const published = publishedFor(result.id)
  if (!published) return undefined
  return html`<p>${published.citation}</p><div class="scroll"><table>
<thead><tr><th>figure</th><th>published</th><th>condition</th><th>standing</th><th>measured here</th></tr></thead>
<tbody>${published.figures.map(
    figure =>
      html`<tr><th>${figure.metric}</th><td>${figure.value}</td><td>${figure.condition}</td><td>${figure.standing}</td>
      <td>${measuredCounterpart(result, figure.metric) ?? '–'}</td></tr>`,
  )}</tbody>
</table></div><p>${published.remarks.join(' ')}</p>`
}
