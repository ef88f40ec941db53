import { counted, effectText } from '../run/claims.ts'
import type { SchemeSummary, Summary } from '../run/summary.ts'
import type { TestResult } from '../run/test-results.ts'
import { FAMILY_LEVEL } from '../run/verdict.ts'
import { controlRole, type TestCard, testsOf } from '../tests/index.ts'
import { html, type Markup } from './page.ts'

/** Tables of what all ciphers of a scheme say together, and of what a run can see at all. */

/** A p-value as a reader takes it in: `0.42`, `0.003`, `2e-9`. */
export function shortP(p: number): string {
  if (p >= 0.995) return '1'
  if (p >= 0.01) return p.toFixed(2)
  if (p < 1e-99) return '0'
  return p >= 0.001 ? p.toFixed(3) : p.toExponential(0)
}

/**
 * One row a test of all ciphers or of many keys, one column a scheme: p after all tests of the scheme were looked at.
 */
export function togetherTable(summary: Summary): Markup | undefined {
  const { results } = summary
  const tests = testsOf(summary).filter(({ id }) => results.some(({ tests }) => tests[id]?.together))
  if (tests.length === 0) return undefined
  const groups = [...new Set(tests.map(({ group }) => group))]
  return html`<div class="scroll"><table class="together">
<thead><tr><th>test</th>${results.map(
    ({ id }) => html`<th><span>${id}${controlRole(id) && html` <small>${controlRole(id)} control</small>`}</span></th>`,
  )}</tr></thead>
<tbody>${groups.map(
    group => html`<tr class="group"><th colspan="${results.length + 1}"><small>${group}</small></th></tr>
${tests
  .filter(test => test.group === group)
  .map(({ id, title }) => html`<tr><th>${title}</th>${results.map(result => cell(result.tests[id]))}</tr>`)}`,
  )}</tbody>
</table></div>
${notes(summary, tests)}`
}

function cell(found: TestResult | undefined): Markup {
  if (!found) return html`<td class="none" title="not measured">–</td>`
  const style = found.verdict === 'fails' ? 'fail' : 'pass'
  return html`<td class="number ${style}" title="${found.note ?? ''}">${shortP(found.adjusted)}</td>`
}

const NOTED = 12

/** What stands out, in words, of schemes that are no controls. */
function notes({ results }: Summary, tests: readonly TestCard[]): Markup | undefined {
  const found = results.flatMap(({ id, tests: all }) =>
    tests.flatMap(test => {
      const result = all[test.id]
      return controlRole(id) === undefined && result?.verdict === 'fails' && result.note !== undefined
        ? [{ id, title: test.title, note: result.note }]
        : []
    }),
  )
  const unseen = results.flatMap(({ id, keysUnseen }) => (keysUnseen === undefined ? [] : [{ id, keysUnseen }]))
  if (found.length + unseen.length === 0) return undefined
  return html`<ul class="notes">${found
    .slice(0, NOTED)
    .map(({ id, title, note }) => html`<li><code>${id}</code>, ${title}: ${note}</li>`)}${unseen.map(
    ({ id, keysUnseen }) => html`<li><code>${id}</code>, many keys: not measured, because ${keysUnseen}</li>`,
  )}</ul>`
}

/** The scheme whose sizes a run is about: the first that is no control. */
const firstMeasured = ({ results }: Summary): SchemeSummary | undefined =>
  results.find(({ id, images }) => controlRole(id) === undefined && images > 0) ??
  results.find(({ images }) => images > 0)

/** The smallest effect that each test would have seen nine times in ten, and how many pictures smaller ones take. */
export function visibleTable(summary: Summary): Markup | undefined {
  const result = firstMeasured(summary)
  const rows = testsOf(summary).flatMap(test => {
    const visible = result?.tests[test.id]?.visible
    return visible ? [{ test, visible }] : []
  })
  if (!result || rows.length === 0) return undefined
  return html`<p>Over ${counted(result)} of <code>${result.id}</code>, at the level that one test has among all, nine
  times in ten. What is smaller may be there.</p>
${needed(result)}
<div class="scroll"><table class="visible">
<thead><tr><th>test</th><th>smallest visible effect</th></tr></thead>
<tbody>${rows.map(({ test, visible }) => html`<tr><th>${test.title}</th><td>${effectText(visible)}</td></tr>`)}</tbody>
</table></div>`
}

function needed({ needed = [], images }: SchemeSummary): Markup | undefined {
  if (needed.length === 0) return undefined
  const told = needed.map(
    ({ bias, pictures }) =>
      `${bias} points: ${pictures.toLocaleString('en')} ` +
      `picture${pictures === 1 ? '' : 's'}${pictures <= images ? ', which this run has' : ''}`,
  )
  return html`<p>A bit that is off one half in every place takes, in pictures of these sizes: ${told.join('; ')}.</p>`
}

/** The level in words: what a run may call failing by chance. */
export const levelText = (tests: number): string =>
  `all ${tests} tests of a scheme are one family (Holm): a scheme with nothing to find fails one ` +
  `of them in at most one run in ${(1 / FAMILY_LEVEL).toLocaleString('en')}`
