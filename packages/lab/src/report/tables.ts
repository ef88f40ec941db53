import { LOCAL_PUBLISHED, localCorrected, npcrLimits, uaciLimits } from '../metrics/index.ts'
import type { Interval } from '../statistics/bootstrap.ts'
import { claims, keySpaceBits } from '../run/claims.ts'
import { CONTROLS } from '../run/controls.ts'
import type { TimingRow } from '../run/rows.ts'
import type { SchemeSummary, Summary } from '../run/summary.ts'
import { TEST_IDS, TESTS, type TestId } from '../run/tests.ts'
import { publishedFor } from '../published/figures.ts'
import { measuredCounterpart } from '../published/measured.ts'
import { html, type Markup } from './page.ts'

/** Tables of a report; each says in its heading what it holds. */

const NOT_MEASURED = html`<span class="none" title="not measured">–</span>`

const MARK = { consistent: ['pass', '✓'], fails: ['fail', '✗'], 'not measured': ['none', '–'] } as const

/** One row a scheme, one column a test. */
export function verdictTable({ results }: Summary): Markup {
  const groups = [...new Set(TEST_IDS.map(id => TESTS[id].group))]
  const firsts = new Set(groups.map(group => TEST_IDS.find(id => TESTS[id].group === group)))
  return html`<div class="scroll"><table class="verdicts">
<thead>
<tr><th></th>${groups.map(group => html`<th class="group" colspan="${TEST_IDS.filter(id => TESTS[id].group === group).length}"><small>${group}</small></th>`)}</tr>
<tr><th>scheme</th>${TEST_IDS.map(id => html`<th class="${firsts.has(id) ? 'group' : ''}"><span>${TESTS[id].title}</span></th>`)}</tr>
</thead>
<tbody>${results.map(
    result => html`<tr><th>${result.title}<small><code>${result.id}</code>${role(result.id)}</small></th>${TEST_IDS.map(id => verdictCell(result, id, firsts.has(id)))}</tr>`,
  )}</tbody>
</table></div>`
}

function role(id: string): string {
  const control = CONTROLS[id]
  return control ? ` · ${control.role} control` : ''
}

function verdictCell({ tests }: SchemeSummary, id: TestId, first: boolean): Markup {
  const test = tests[id]
  const [style, mark] = MARK[test?.verdict ?? 'not measured']
  const told = test ? `${test.passed} of ${test.replicates} at p ≥ 0.01, smallest p ${test.smallestP.toExponential(1)}` : 'not measured'
  return html`<td class="${style}${first ? ' group' : ''}" title="${told}">${mark}</td>`
}

const show = (interval: Interval | undefined, digits: number): Markup | string =>
  interval ? html`${fixed(interval.mean, digits)}<small>${fixed(interval.low, digits)} to ${fixed(interval.high, digits)}</small>` : '–'

// A correlation of -0.00003 is no "-0.0000".
const fixed = (value: number, digits: number): string => value.toFixed(digits).replace(/^-(0\.0*)$/, '$1')

const percent = (interval: Interval | undefined, digits = 4): Markup | string =>
  interval ? show({ ...interval, mean: 100 * interval.mean, low: 100 * interval.low, high: 100 * interval.high }, digits) : '–'

/** Statistics of the ciphers: means with 95 % bootstrap intervals over images. */
export function cipherTable({ results }: Summary): Markup {
  return html`<div class="scroll"><table>
<thead><tr><th>scheme</th><th class="number">χ², 255 dof</th><th class="number">entropy</th><th class="number">local entropy</th><th class="number">in published<br>interval</th><th class="number">correlation<br>horizontal</th><th class="number">correlation<br>vertical</th><th class="number">correlation<br>diagonal</th><th class="number">GVD</th></tr></thead>
<tbody>${results.map(
    ({ id, tests, localEntropyPublished }) =>
      html`<tr><th>${id}</th><td class="number">${show(tests.histogram?.value, 1)}</td><td class="number">${show(tests.entropy?.value, 5)}</td><td class="number">${show(tests['local-entropy']?.value, 5)}</td><td class="number">${localEntropyPublished === undefined ? '–' : `${Math.round(100 * localEntropyPublished)} %`}</td>${(['horizontal', 'vertical', 'diagonal'] as const).map(d => html`<td class="number">${show(tests[`correlation-${d}`]?.value, 4)}</td>`)}<td class="number">${show(tests.gvd?.value, 3)}</td></tr>`,
  )}</tbody>
</table></div>`
}

/** What one changed pixel and one changed key bit do: means with 95 % bootstrap intervals over images. */
export function sensitivityTable({ results }: Summary): Markup {
  const columns = ['pixel-npcr', 'pixel-uaci', 'pixel-avalanche', 'key-npcr', 'key-uaci', 'key-avalanche', 'mask-reuse'] as const
  return html`<div class="scroll"><table>
<thead><tr><th>scheme, all in %</th><th class="number">pixel NPCR</th><th class="number">pixel UACI</th><th class="number">pixel, bits</th><th class="number">key NPCR</th><th class="number">key UACI</th><th class="number">key, bits</th><th class="number">opened by one<br>known pair</th></tr></thead>
<tbody>${results.map(({ id, tests }) => html`<tr><th>${id}</th>${columns.map(column => html`<td class="number">${percent(tests[column]?.value)}</td>`)}</tr>`)}</tbody>
</table></div>`
}

const both = ({ low, high }: { low: number; high: number }): string => `${(100 * low).toFixed(4)} to ${(100 * high).toFixed(4)}`

/** The limits that single images are held to, for every size in the run. */
export function limitTable({ results }: Summary): Markup {
  const counts = [...new Set(results.flatMap(({ plainShapes }) => plainShapes.map(shapeBytes)))].slice(0, 6)
  const local = localCorrected(0.05)
  return html`<div class="scroll"><table>
<thead><tr><th>bytes a cipher</th><th class="number">NPCR %, 0.05</th><th class="number">NPCR %, 0.01</th><th class="number">UACI %, 0.05</th><th class="number">UACI %, 0.01</th></tr></thead>
<tbody>${counts.map(n => html`<tr><th>${n.toLocaleString('en')}</th><td class="number">${both(npcrLimits(n, 0.05))}</td><td class="number">${both(npcrLimits(n, 0.01))}</td><td class="number">${both(uaciLimits(n, 0.05))}</td><td class="number">${both(uaciLimits(n, 0.01))}</td></tr>`)}</tbody>
</table></div>
<p>Local entropy at 0.05: corrected ${local.low.toFixed(6)} to ${local.high.toFixed(6)}; published ${LOCAL_PUBLISHED[0.05].low} to ${LOCAL_PUBLISHED[0.05].high}, which holds about 28 % of truly random images because its half-width divides by the number of blocks and not by its root.</p>`
}

/** What comes back, and what becomes of damage and wrong keys. */
export function recoveryTable({ results }: Summary): Markup {
  return html`<div class="scroll"><table>
<thead><tr><th>scheme</th><th class="number">images</th><th>recovery</th><th class="number">SSIM</th><th class="number">MS-SSIM</th><th class="number">largest error</th><th>cipher wire</th><th class="number">cipher size</th><th>one key bit wrong</th><th class="number">one cipher sample wrong</th></tr></thead>
<tbody>${results.map(
    result => html`<tr><th>${result.id}</th><td class="number">${result.images}</td><td>${recovery(result)}</td><td class="number">${similarity(result, 'ssim')}</td><td class="number">${similarity(result, 'msSsim')}</td><td class="number">${result.maxError ?? NOT_MEASURED}</td><td>${result.wire.join(', ') || NOT_MEASURED}</td><td class="number">${result.expansion === undefined ? NOT_MEASURED : `× ${result.expansion.toFixed(4)}`}</td><td>${wrongKey(result)}</td><td class="number">${damage(result)}</td></tr>`,
  )}</tbody>
</table></div>`
}

/** Keys, parameters and time. */
export function costTable({ results }: Summary): Markup {
  const yardstick = results.find(({ id }) => id === 'aes-256-ctr')?.timing
  return html`<div class="scroll"><table>
<thead><tr><th>scheme</th><th>key space</th><th class="number">encrypt</th><th class="number">decrypt</th><th class="number">encrypt,<br>times AES-CTR</th><th class="number">parameters</th><th class="number">multiply-accumulates</th></tr></thead>
<tbody>${results.map(
    result => html`<tr><th>${result.id}</th><td>${keySpace(result)}<small>${result.keySpace?.note ?? ''}</small></td><td class="number">${speed(result, 'encryptMs')}</td><td class="number">${speed(result, 'decryptMs')}</td><td class="number">${ratio(result.timing, yardstick)}</td><td class="number">${result.timing?.parameters?.toLocaleString('en') ?? '–'}</td><td class="number">${result.timing?.macs === undefined ? '–' : `${(result.timing.macs / 1e9).toFixed(3)} G`}</td></tr>`,
  )}</tbody>
</table></div>`
}

function ratio(timing: TimingRow | undefined, yardstick: TimingRow | undefined): string {
  if (!timing || !yardstick || timing.plain !== yardstick.plain) return '–'
  const times = timing.encryptMs / yardstick.encryptMs
  return times >= 100 ? Math.round(times).toLocaleString('en') : times.toPrecision(2)
}

const similarity = (result: SchemeSummary, which: 'ssim' | 'msSsim'): Markup | string => (result.exactShare === 1 && result[which] ? '1' : show(result[which], 4))
function recovery(result: SchemeSummary): Markup | string {
  if (result.exactShare === undefined) return NOT_MEASURED
  const narrower = result.wires.map(({ format, exactShare, psnr }) => html`<small>${format}: ${exactShare === 1 ? 'exact' : `${psnr?.mean.toFixed(2) ?? '–'} dB`}</small>`)
  if (result.exactShare === 1) return html`exact${narrower}`
  return html`${result.psnr ? `${result.psnr.mean.toFixed(2)} dB` : '–'}<small>${Math.round(100 * result.exactShare)} % exact</small>${narrower}`
}

const wrongKey = ({ wrongKey }: SchemeSummary): string => (wrongKey === undefined ? '–' : wrongKey === 'refused' ? 'refused' : wrongKey === 'exact' ? 'the image itself' : `${wrongKey.mean.toFixed(1)} dB`)
const damage = ({ trail }: SchemeSummary): string => (trail === undefined ? '–' : trail === 'refused' ? 'refused' : `${trail.mean < 100 ? trail.mean.toFixed(1) : Math.round(trail.mean).toLocaleString('en')} samples`)
const keySpace = ({ keySpace, traits }: SchemeSummary): string => (traits.secret === 'none' ? 'no key' : keySpace ? `≤ ${keySpaceBits(keySpace.bits)}` : `in the ${traits.secret}`)

const shapeBytes = (shape: string): number => shape.split(' ')[0]!.split('x').reduce((product, side) => product * Number(side), 1) * (shape.endsWith('u16') ? 2 : 1)

/** Megabytes of samples a second. */
export function throughput({ timing }: SchemeSummary, which: 'encryptMs' | 'decryptMs'): number | undefined {
  return timing ? shapeBytes(timing.plain) / 1e3 / timing[which] : undefined
}

function speed(result: SchemeSummary, which: 'encryptMs' | 'decryptMs'): Markup | string {
  const rate = throughput(result, which)
  return rate === undefined ? '–' : html`${rate >= 100 ? Math.round(rate).toLocaleString('en') : rate.toPrecision(3)} MB/s<small>${result.timing![which].toFixed(2)} ms</small>`
}

/** What each result allows us to say, and what not. */
export function claimsTable(result: SchemeSummary): Markup {
  const style = { 'not contradicted': 'pass', contradicted: 'fail', 'not measured': 'none', 'as stated': 'none' } as const
  return html`<div class="scroll"><table class="claims">
<thead><tr><th>topic</th><th>standing</th><th>what may be said</th><th>what may not</th></tr></thead>
<tbody>${claims(result).map(claim => html`<tr><th>${claim.topic}</th><td class="${style[claim.standing]}">${claim.standing}</td><td>${claim.say}</td><td>${claim.never}</td></tr>`)}</tbody>
</table></div>`
}

/** A paper's figures beside ours; undefined where nothing is published, or nothing known. */
export function publishedTable(result: SchemeSummary): Markup | undefined {
  const published = publishedFor(result.id)
  if (!published) return undefined
  return html`<p>${published.citation}</p><div class="scroll"><table>
<thead><tr><th>figure</th><th>published</th><th>condition</th><th>standing</th><th>measured here</th></tr></thead>
<tbody>${published.figures.map(figure => html`<tr><th>${figure.metric}</th><td>${figure.value}</td><td>${figure.condition}</td><td>${figure.standing}</td><td>${measuredCounterpart(result, figure.metric) ?? '–'}</td></tr>`)}</tbody>
</table></div><p>${published.remarks.join(' ')}</p>`
}
