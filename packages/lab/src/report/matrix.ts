import type { Attack } from '../attacks/contract.ts'
import {
  type AttackResult,
  type Cell,
  type Situation,
  SITUATION_MEANINGS,
  SITUATIONS,
  type MatrixRow,
} from '../attacks/results.ts'
import { PUBLISHED } from '../published/figures.ts'
import { SECURITY_CLAIMS } from '../published/security-claims.ts'
import { html, type Markup, page, raw } from './page.ts'

/** What the page of the verdict matrix is made of. */
export interface MatrixPage {
  readonly rows: readonly MatrixRow[]
  readonly attacks: readonly Attack[]
  readonly results: readonly AttackResult[]
  readonly keys: number
  readonly targets: number
  /** Where the raw rows of a scheme lie, from the page; none if absent. */
  readonly rowsOf?: (scheme: string) => string
  /** The command that makes the page. */
  readonly command: string
}

const NAMES: Readonly<Record<string, string>> = {
  ours: 'Ours',
  published: 'As published',
  reconstructed: 'Reconstructed from what is public',
  repaired: 'Repaired by us',
  variant: 'Variants of ours',
  learnable: 'Made to be trained on',
  ablation: 'Ours with a part left out',
  baseline: 'Baselines',
  control: 'Controls',
}
/** The order of roles: what a stranger looks for comes first. */
const ROLES = [
  'published',
  'ours',
  'reconstructed',
  'repaired',
  'variant',
  'learnable',
  'ablation',
  'baseline',
  'control',
]

const columns = Object.keys(SITUATIONS) as Situation[]

/** The verdict matrix as one page that needs nothing but itself. */
export function renderMatrix({ rows, attacks, results, keys, targets, rowsOf, command }: MatrixPage): string {
  const titleOf = new Map(attacks.map(({ id, title }) => [id, title]))
  const groups = ROLES.map(role => ({ role, members: rows.filter(({ scheme }) => scheme.role === role) })).filter(
    ({ members }) => members.length > 0,
  )
  const published = rows.filter(({ scheme }) => scheme.role === 'published')
  const opened = published.filter(row => columns.some(column => reached(row.cells[column], 'opened')))
  const leaking = published.filter(row => columns.some(column => reached(row.cells[column], 'leaks')))
  const ours = rows.filter(({ scheme }) => scheme.role === 'ours')
  const held = ours.filter(row => columns.every(column => row.cells[column].kind !== 'broken'))
  const body = html`
    <h1>What breaks what</h1>
    <p class="lede">
      ${rows.length} ways of encrypting a picture, attacked by ${attacks.length} attacks in ${columns.length}
      situations.
      ${
        published.length > 0 &&
        html`Of ${published.length} published variants, ${leaking.length} leak and ${opened.length} are opened by
        somebody without the key.`
      }
      ${
        ours.length > 0 && html`Of ours, these attacks found nothing in ${held.length} of ${ours.length}.`
      } A row shows a
      picture, what the cipher makes of it, and what the best attacker of each column sees in the end.
    </p>
    <ul class="key">
      <li><b class="opened">opened</b> the attacker has the picture</li>
      <li><b class="leaks">leaks</b> it is recognised, or its class, or that it is no noise</li>
      <li><b class="held">nothing found</b> by these attacks; that proves nothing</li>
      <li><b class="empty">–</b> does not apply; the cell says why</li>
    </ul>
    <div class="matrix">
      ${groups.map(
        ({ role, members }) => html`
          <section>
            <h2>${NAMES[role] ?? role}</h2>
            <table>
              <thead>
                <tr>
                  <th>scheme</th>
                  ${columns.map(column => html`<th title="${SITUATION_MEANINGS[column]}">${SITUATIONS[column]}</th>`)}
                </tr>
              </thead>
              <tbody>
                ${members.map(row => rowOf(row, titleOf, rowsOf))}
              </tbody>
            </table>
          </section>
        `,
      )}
    </div>
    <h2>What papers say, and what was found</h2>
    <table class="papers">
      <thead>
        <tr><th>scheme</th><th>the paper says</th><th>where</th><th>found here</th></tr>
      </thead>
      <tbody>
        ${SECURITY_CLAIMS.map(claim => claimRow(claim, rows, titleOf))}
      </tbody>
    </table>
    <h2>What the columns presume</h2>
    <dl>
      ${columns.map(column => html`<dt>${SITUATIONS[column]}</dt><dd>${SITUATION_MEANINGS[column]}</dd>`)}
    </dl>
    <h2>How it is measured</h2>
    <p>
      ${targets} pictures of 32 x 32 pixels, drawn by Latent, that no attack has seen, under
      ${keys === 1 ? 'one key' : `${keys} keys`};
      the picture is the replicate. <b>Opened</b>: mean structural similarity (SSIM) of at least 0.7, and above that of
      the
      cipher image as it is. <b>Leaks</b>: at least 40 % of the pictures are recognised among all of them, by light and
      dark, from afar, or by outlines, and clearly more than in the cipher image itself; or SSIM rises by 0.1 over doing
      nothing; or classes are named, or cipher images told from noise, clearly above chance. An attack counts only if it
      broke its own positive control in the same run. Whoever has more has less too: where cipher images alone suffice,
      a
      cell of a stronger column says so. The strongest of the attacks tried is shown; a better one may exist, and is
      welcome: one file, and <code>latent lab attack -s all -a ./mine.ts -o FOLDER</code>.
    </p>
    <h2>The attacks</h2>
    <table class="attacks">
      <thead>
        <tr><th>attack</th><th>what it does</th><th>asks at most</th><th>must break</th><th>did it?</th><th>source</th>
        </tr>
      </thead>
      <tbody>
        ${attacks.map(attack => attackRow(attack, results))}
      </tbody>
    </table>
    <footer>Made by <code>${command}</code>. As data: <a href="matrix.json">matrix.json</a>,
    <a href="matrix.csv">matrix.csv</a>.</footer>
  `
  return page('What breaks what: the verdict matrix', html`${raw(`<style>${STYLE}</style>`)}${body}`)
}

const reached = (cell: Cell, verdict: 'opened' | 'leaks'): boolean => cell.kind === 'broken' && cell.verdict === verdict

/** A third of a strip of three pictures. */
const thumbnail = (strip: string, part: 'plain' | 'cipher' | 'found', alt: string): Markup =>
  raw(
    `<i role="img" aria-label="${alt}" class="thumb ${part}" ` +
      `style="background-image:url(data:image/png;base64,${strip})"></i>`,
  )

function rowOf(
  { scheme, cells, shown }: MatrixRow,
  titleOf: ReadonlyMap<string, string>,
  rowsOf: MatrixPage['rowsOf'],
): Markup {
  return html`<tr>
    <th>
      ${
        shown !== undefined &&
        html`<span class="pair">${[
          thumbnail(shown, 'plain', 'plain picture'),
          thumbnail(shown, 'cipher', 'cipher image'),
        ]}</span>`
      }
      <span class="name">${scheme.title}<small>${
        rowsOf ? html`<a href="${rowsOf(scheme.id)}">${scheme.id}</a>` : scheme.id
      }</small></span>
    </th>
    ${columns.map(column => cellMarkup(cells[column], column, titleOf))}
  </tr>`
}

const queries = (count: number): string => (count === 0 ? 'no query' : count === 1 ? '1 query' : `${count} queries`)

function figure({ judged }: AttackResult): string {
  const { value, of, recognised } = judged
  if (!value) return ''
  if (of !== 'SSIM') return `${Math.round(100 * value.mean)} % ${of === 'told from noise' ? 'told' : 'named'}`
  return judged.psnr === 'exact'
    ? 'exact'
    : `SSIM ${value.mean.toFixed(2)}, ${Math.round(100 * (recognised?.mean ?? 0))} % recognised`
}

function cellMarkup(cell: Cell, column: Situation, titleOf: ReadonlyMap<string, string>): Markup {
  const ofColumn = raw(` data-column="${SITUATIONS[column]}"`)
  if (cell.kind === 'empty')
    return html`<td class="empty"${ofColumn}><span title="${cell.reason}">– <small>${cell.reason}</small></span></td>`
  if (cell.kind === 'held') {
    const { best, tried } = cell
    return html`<td class="held"${ofColumn}>
      <b>nothing found</b>
      <small>${
        tried.length === 1 ? 'one attack' : `${tried.length} attacks`
      }${best ? html`; the best: ${figure(best)}` : ''}</small>
    </td>`
  }
  const { best, verdict, already } = cell
  if (already)
    return html`<td class="${verdict} already"${ofColumn}><b>${verdict}</b><small>as with ${SITUATIONS[already]}</small>
    </td>`
  return html`<td class="${verdict}"${ofColumn} title="${titleOf.get(best.attack) ?? best.attack}">
    ${best.shown !== undefined && thumbnail(best.shown, 'found', 'what the attacker sees')}
    <b>${verdict}</b>
    <small>${best.attack}, ${queries(best.judged.queries)}; ${figure(best)}</small>
  </td>`
}

function claimRow(
  { scheme: id, says, where }: (typeof SECURITY_CLAIMS)[number],
  rows: readonly MatrixRow[],
  titleOf: ReadonlyMap<string, string>,
): Markup {
  const row = rows.find(({ scheme }) => scheme.id === id)
  const cited = PUBLISHED.find(one => one.id === id)?.citation ?? id
  const found = row
    ? columns.flatMap(column => {
        const cell = row.cells[column]
        return cell.kind === 'broken' && !cell.already
          ? [
              `${cell.verdict} with ${SITUATIONS[column]}: ` +
                `${titleOf.get(cell.best.attack) ?? cell.best.attack} (${figure(cell.best)})`,
            ]
          : []
      })
    : []
  return html`<tr>
    <th>${id}<small>${cited}</small></th>
    <td>${says.map(one => html`<div>${one}</div>`)}</td>
    <td>${where}</td>
    <td>${found.length > 0 ? found.map(one => html`<div>${one}</div>`) : 'none of these attacks succeeded'}</td>
  </tr>`
}

function attackRow({ id, title, budget, positiveControl, source }: Attack, results: readonly AttackResult[]): Markup {
  const result = results.find(({ attack }) => attack === id)
  const control = typeof positiveControl.scheme === 'string' ? positiveControl.scheme : positiveControl.scheme.title
  const did = result
    ? result.verdict === 'no verdict'
      ? 'no'
      : `yes (${figure({ ...result, judged: result.control })})`
    : 'not run'
  return html`<tr><th>${id}</th><td>${title}</td><td class="number">${budget}</td><td>${control}</td><td>${did}</td>
  <td>${source}</td></tr>`
}

const STYLE = `
:root { --leak: #8a5a00; --leak-ground: #fdf0d2; --held: #4a5568; }
@media (prefers-color-scheme: dark) { :root { --leak: #f3c06b; --leak-ground: #3d2f12; --held: #a0a9b8; } }
main { max-width: 1380px; }
.key { list-style: none; display: flex; flex-wrap: wrap; gap: 6px 22px; padding: 0; margin: 14px 0 4px; font-size: 14px;
  }
.key b { padding: 1px 8px; border-radius: 4px; margin-right: 4px; }
.opened { color: var(--bad); background: var(--bad-ground); }
.leaks { color: var(--leak); background: var(--leak-ground); }
.held { color: var(--held); background: var(--panel); }
.empty { color: var(--none); }
.matrix table { width: 100%; table-layout: fixed; font-size: 12.5px; border-spacing: 2px; border-collapse: separate; }
.matrix thead th { border: 0; font-size: 12px; color: var(--muted); padding: 4px 6px; }
.matrix thead th:first-child { width: 210px; }
.matrix td { border: 0; border-radius: 5px; padding: 6px 7px; vertical-align: top; line-height: 1.3;
  overflow-wrap: anywhere; }
.matrix td b { display: block; }
.matrix td small, .matrix th small { font-size: 11px; line-height: 1.25; color: var(--muted); }
.matrix td.already b { font-weight: 400; }
.matrix tbody th { border: 0; padding: 6px 8px 6px 0; white-space: normal; vertical-align: top; line-height: 1.25; }
.matrix section h2 { margin: 22px 0 4px; padding-top: 8px; }
.pair { display: flex; gap: 4px; margin-bottom: 4px; }
.thumb { display: block; width: 44px; height: 44px; background-size: 300% 100%; image-rendering: pixelated;
  border-radius: 3px; }
td .thumb { float: right; margin: 0 0 4px 6px; }
.matrix td.opened:not(.already) small, .matrix td.leaks:not(.already) small { clear: both; }
.plain { background-position: 0 0; }
.cipher { background-position: 50% 0; }
.found { background-position: 100% 0; }
.papers, .attacks { width: 100%; }
.papers th, .attacks tbody th { white-space: normal; }
@media (max-width: 900px) {
  .matrix table, .matrix tbody { display: block; }
  .matrix thead { display: none; }
  .matrix tr { display: grid; grid-template-columns: 1fr 1fr; gap: 4px; padding: 12px 0;
    border-bottom: 1px solid var(--line); }
  .matrix tbody th { grid-column: 1 / -1; display: flex; gap: 10px; align-items: center; font-size: 14px; }
  .pair { margin: 0; }
  .matrix td { min-width: 0; }
  .matrix td::before { content: attr(data-column); display: block; font-size: 11px; color: var(--muted); }
  .attacks, .attacks tbody, .papers, .papers tbody { display: block; }
  .attacks thead, .papers thead { display: none; }
  .attacks tr, .papers tr { display: block; padding: 8px 0; border-bottom: 1px solid var(--line); }
  .attacks th, .attacks td, .papers th, .papers td { display: block; border: 0; padding: 1px 0; text-align: left; }
}
@media print {
  :root { --leak: #8a5a00; --leak-ground: #fdf0d2; --held: #4a5568; }
  .matrix table { font-size: 7pt; }
  .matrix td small, .matrix th small { font-size: 6pt; }
  .matrix thead th:first-child { width: 130px; }
  .thumb { width: 28px; height: 28px; }
  i.thumb { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
}
`
