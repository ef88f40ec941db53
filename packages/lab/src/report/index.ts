import type { SchemeSummary, Summary } from '../run/summary.ts'
import { requireControls } from '../run/controls.ts'
import { testsOf } from '../tests/index.ts'
import { robustnessChart, speedChart } from './charts.ts'
import { html, type Markup, page, raw } from './page.ts'
import type { Exhibit, Gallery } from './pictures.ts'
import {
  claimsTable,
  costTable,
  limitTable,
  publishedTable,
  recoveryTable,
  throughput,
  valueTables,
  verdictTable,
} from './tables.ts'
import { levelText, togetherTable, visibleTable } from './together.ts'

export { svg } from './charts.ts'
export { escape, html, type Markup, page, raw } from './page.ts'
export { gallery, type Gallery } from './pictures.ts'

/**
 * One page with everything a run says: readable offline, in light and dark, and on paper. It holds no
 * scripts and fetches nothing.
 * @throws E_CONTROLS for a run whose controls deviate: it has no verdicts to print
 */
export async function renderReport(summary: Summary, galleries: readonly Gallery[]): Promise<string> {
  requireControls(summary.controlDeviations)
  return page(
    `Latent lab: ${summary.data}`,
    html`${heading(summary)}
<h2>Verdicts</h2>
<p>✓ not contradicted: no deviation from a random cipher was found; ✗ a deviation was found; – does not apply. A row of
✓ says that these tests found nothing of the size that they can see, not that the cipher is secure: the rows of the
controls show how easily that is had.</p>
${verdictTable(summary)}
<h2>All ciphers together</h2>
<p>Sums over all images, in which a shift too small for one of them grows; and one small picture under many keys. The
number is the p-value after all tests of the scheme were looked at.</p>
${togetherTable(summary)}
${failures(summary)}
<h2>What this run could see</h2>
${visibleTable(summary)}
<h2>Values</h2>
<p>Means over images, with 95 % bootstrap intervals that draw whole pictures, all keys of one together; a pixel is never
a replicate.</p>
${valueTables(summary)}
${limitTable(summary)}
<h2>Recovery</h2>
<p>Sizes count annotations such as nonces.</p>
${recoveryTable(summary)}
<h2>Keys, parameters and time</h2>
<p>Times are medians on one image, one scheme at a time: ${summary.machine}${loadRemark(summary)}. Ratios within this
table mean more than its absolute figures.</p>
${costTable(summary)}
${await speeds(summary)}
<h2>Robustness</h2>
${await robustness(summary)}
<h2>Pictures</h2>
${galleries.map(gallery => galleryMarkup(gallery, summary))}
${claimsSection(summary)}
${publishedSection(summary)}
<footer>Latent lab, format 1. Formulas and sources are in the docstrings of the lab’s metrics and in
docs/lab/methods.md.</footer>`,
  )
}

/** Schemes of several runs side by side: published figures, measured ones, and the wording they allow. */
export function renderComparison(
  chosen: readonly { readonly summary: Summary; readonly result: SchemeSummary }[],
): string {
  const first = chosen[0]!.summary
  const own = new Map(chosen.flatMap(({ summary }) => (summary.tests ?? []).map(test => [test.id, test])))
  const together: Summary = { ...first, tests: [...own.values()], results: chosen.map(({ result }) => result) }
  for (const { summary } of chosen) requireControls(summary.controlDeviations)
  return page(
    'Latent lab: comparison',
    html`<h1>Latent lab: comparison</h1>
<p class="lede">${[...new Set(chosen.map(({ summary }) => `${summary.data}, ${summary.images} images`))].join(
      '; ',
    )}. Every run's controls behaved as they must.</p>
${verdictTable(together)}
<h2>All ciphers together</h2>${togetherTable(together)}
<h2>Values</h2>${valueTables(together)}
<h2>Recovery</h2>${recoveryTable(together)}
<h2>Keys, parameters and time</h2>${costTable(together)}
${publishedSection(together)}
${claimsSection(together)}`,
  )
}

const claimsSection = (summary: Summary): Markup => html`<h2>Claims</h2>
<p>The wording that these results allow. What is in the last column may not be concluded from them.</p>
<div class="cards">${summary.results.map(
  result =>
    html`<details class="card"><summary>${result.title} <span class="role">${result.id}</span>
    </summary>${claimsTable(result, testsOf(summary))}</details>`,
)}</div>`

function heading(summary: Summary): Markup {
  const shapes = [...new Set(summary.results.flatMap(({ plainShapes }) => plainShapes))]
  return html`<h1>Latent lab: ${summary.data}</h1>
<p class="lede">One measure for every cipher. The controls of this run behaved as they must: what has nothing to find
was passed, and every known weakness was found.</p>
<dl>
<dt>data</dt><dd>${summary.data}, ${summary.images} image${summary.images === 1 ? '' : 's'}, ${
    shapes.length > 4 ? `${shapes.length} sizes` : shapes.join(', ')
  }</dd>
${coverage(summary)}<dt>replicates</dt><dd>${summary.images} picture${summary.images === 1 ? '' : 's'}, under ${
    summary.seeds === 1 ? 'a key of its own' : `${summary.seeds} keys of its own`
  } each: ${summary.images} cluster${summary.images === 1 ? '' : 's'}, ${summary.images * summary.seeds}
  measurements</dd>
<dt>level</dt><dd>${levelText(testsOf(summary).length)}</dd>
<dt>machine</dt><dd>${summary.machine}</dd>
</dl>`
}

/** What was measured in part, and what nobody looked into. */
function coverage({ results, images, passedOver = [] }: Summary): Markup {
  const cut = Math.max(0, ...results.map(({ cut = 0 }) => cut))
  return html`${
    cut > 0 && html`<dt>large pictures</dt><dd>${cut} of ${images} pictures were measured on their middle</dd>`
  }
${
  passedOver.length > 0 &&
  html`<dt>passed over</dt><dd>${passedOver.length} beside the pictures:
  ${passedOver.slice(0, 12).join(', ')}${passedOver.length > 12 ? ', ...' : ''}</dd>`
}
`
}

function failures({ results }: Summary): Markup | undefined {
  const failed = results.flatMap(({ id, failures }) => failures.map(failure => ({ id, ...failure })))
  const contradicted = results.filter(result => result.contradicted.length > 0)
  if (failed.length === 0 && contradicted.length === 0) return undefined
  return html`${contradicted.map(
    result =>
      html`<p class="fail">${result.id} does not do what it says of itself: ${result.contradicted.join(', ')}.</p>`,
  )}
${
  failed.length > 0 &&
  html`<p>${failed.length} measurement${failed.length === 1 ? '' : 's'} failed: ${failed
    .slice(0, 12)
    .map(({ id, image, code, message }) => html`<br><code>${id}</code> on ${image}: ${message} (${code})`)}</p>`
}`
}

function loadRemark({ results }: Summary): string {
  const loads = results.flatMap(({ timing }) => timing?.load ?? [])
  return loads.length > 0 ? `, load average up to ${Math.max(...loads).toFixed(1)}` : ''
}

async function speeds({ results }: Summary): Promise<Markup> {
  const rows = results.flatMap(result => {
    const megabytes = throughput(result, 'encryptMs')
    return megabytes === undefined || !Number.isFinite(megabytes) || result.id === 'identity'
      ? []
      : [{ scheme: result.id, megabytes }]
  })
  return rows.length > 0 ? raw(await speedChart(rows)) : html``
}

const DAMAGES = [
  ['occlusion', 'Occlusion, share of the area'],
  ['salt-pepper', 'Salt and pepper, density'],
  ['gaussian', 'Gaussian noise, variance'],
  ['jpeg', 'JPEG, quality'],
] as const

const strengthLabel = (kind: string, strength: number): string =>
  kind === 'occlusion' ? `1/${Math.round(1 / strength)}` : String(strength)

/** An exact recovery has no finite PSNR: it is drawn at the largest figure of an 8-bit megapixel image. */
const EXACT_LEVEL = 110

async function robustness({ results }: Summary): Promise<Markup> {
  const measured = results.filter(({ robustness }) => robustness.length > 0)
  if (measured.length === 0) return html`<p>Not measured in this run.</p>`
  const refusing = measured.filter(({ robustness }) => robustness.every(({ refused }) => refused))
  const groups = groupByCurve(measured.filter(result => !refusing.includes(result)))
  const shown = groups.slice(0, 8)
  const points = shown.flatMap(({ name, results }) =>
    results[0]!.robustness.flatMap(({ kind, strength, refused, psnr, exactShare }) =>
      refused
        ? []
        : [
            {
              kind,
              strength: strengthLabel(kind, strength),
              scheme: name,
              psnr: exactShare === 1 ? EXACT_LEVEL : (psnr?.mean ?? 0),
            },
          ],
    ),
  )
  const names = shown.map(({ name }) => name)
  const charts = await Promise.all(DAMAGES.map(([kind, title]) => robustnessChart(points, kind, title, names)))
  return html`<p>The cipher image is damaged, then decrypted. Schemes whose curves agree to half a decibel share a
  line.</p>
<ul class="legend">${names.map(
    (name, i) => html`<li><i style="background: var(--series-${i + 1})"></i>${name}</li>`,
  )}</ul>
<div class="charts">${charts.map(raw)}</div>
${
  refusing.length > 0 &&
  html`<p>${refusing.map(({ id }) => id).join(', ')} refused every damaged cipher, as authenticated encryption
  should.</p>`
}
${otherDamage(measured)}`
}

function groupByCurve(results: readonly SchemeSummary[]): { name: string; results: SchemeSummary[] }[] {
  const groups: { signature: number[]; results: SchemeSummary[] }[] = []
  for (const result of results) {
    const signature = result.robustness.map(({ psnr, exactShare }) =>
      exactShare === 1 ? EXACT_LEVEL : (psnr?.mean ?? 0),
    )
    const group = groups.find(
      other =>
        other.signature.length === signature.length &&
        other.signature.every((v, i) => Math.abs(v - signature[i]!) < 0.5),
    )
    if (group) group.results.push(result)
    else groups.push({ signature, results: [result] })
  }
  return groups.map(({ results }) => ({ name: results.map(({ id }) => id).join(', '), results }))
}

const KINDS = [
  ['occlusion-corner', 'a corner of 1/16 black'],
  ['occlusion-blocks', '1/16 black in blocks'],
  ['one-level', 'every sample one level off'],
  ['wire-u16', 'through a 16-bit wire'],
  ['wire-u8', 'through an 8-bit wire'],
] as const

function told({ robustness }: SchemeSummary, kind: string): string {
  const point = robustness.find(candidate => candidate.kind === kind)
  if (!point) return '–'
  return point.refused ? 'refused' : point.exactShare === 1 ? 'exact' : `${point.psnr?.mean.toFixed(1) ?? '–'} dB`
}

/** Samples that come out wrong when 1/16 of the cipher is lost: more than 6.25 % is a trail. */
function trailShare({ robustness }: SchemeSummary): string {
  const point = robustness.find(({ kind, strength }) => kind === 'occlusion' && strength === 1 / 16)
  return point?.differing ? `${(100 * point.differing.mean).toFixed(2)} %` : '–'
}

function otherDamage(results: readonly SchemeSummary[]): Markup {
  const wanted = KINDS.filter(([kind]) => results.some(result => told(result, kind) !== '–'))
  return html`<div class="scroll"><table><thead><tr><th>scheme</th>${wanted.map(
    ([, title]) => html`<th class="number">${title}</th>`,
  )}<th class="number">samples wrong after<br>1/16 in the centre</th></tr></thead><tbody>${results.map(
    result =>
      html`<tr><th>${result.id}</th>${wanted.map(
        ([kind]) => html`<td class="number">${told(result, kind)}</td>`,
      )}<td class="number">${trailShare(result)}</td></tr>`,
  )}</tbody></table></div>`
}

function galleryMarkup(gallery: Gallery, summary: Summary): Markup {
  const title = (id: string) => summary.results.find(result => result.id === id)?.title ?? id
  return html`<p>Picture: ${gallery.name}. The difference is that of two ciphers under keys one bit apart; a scatter
  plot shows a sample against its right-hand neighbour.</p>
<div class="cards">
<section class="card"><h3>Plain image</h3>
<div class="strip">${picture(gallery.plain, 'plain')}<figure>${raw(gallery.histogram)}</figure>
<figure>${raw(gallery.scatter)}</figure></div></section>
${gallery.exhibits.map(
  exhibit =>
    html`<section class="card"><h3>${title(exhibit.scheme)} <span class="role">${exhibit.scheme}</span></h3>
    <div class="strip">${picture(exhibit.cipher, 'cipher')}${picture(exhibit.decrypted, 'decrypted')}${
      exhibit.wrongKey
        ? picture(exhibit.wrongKey, 'decrypted, one key bit wrong')
        : absent('decrypted, one key bit wrong', 'refused')
    }${keyDifference(exhibit)}<figure>${raw(exhibit.histogram)}</figure><figure>${raw(exhibit.scatter)}</figure></div>
    </section>`,
)}
</div>`
}

const keyDifference = ({ keyDifference }: Exhibit): Markup =>
  keyDifference
    ? picture(keyDifference, 'cipher difference, one key bit')
    : absent('cipher difference, one key bit', 'shapes differ')
const picture = (url: string, caption: string): Markup =>
  html`<figure><img src="${url}" alt="${caption}"><figcaption>${caption}</figcaption></figure>`
const absent = (caption: string, reason: string): Markup =>
  html`<figure><div class="absent">${reason}</div><figcaption>${caption}</figcaption></figure>`

function publishedSection({ results }: Summary): Markup | undefined {
  const sections = results.flatMap(result => {
    const table = publishedTable(result)
    return table ? [html`<section class="card"><h3>${result.title}</h3>${table}</section>`] : []
  })
  return sections.length === 0
    ? undefined
    : html`<h2>Published beside measured</h2><div class="cards">${sections}</div>`
}
