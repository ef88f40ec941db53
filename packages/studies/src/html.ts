import { escape, html, type Markup, page, raw } from '@latent/lab/report'
import { arranged, figureFile, type StudyFigure, type StudyPage, type StudyTable } from './study.ts'

/** The page of a study as one HTML file that needs nothing but itself; charts alone, no pictures. */
export function renderStudy(study: StudyPage, command: string): string {
  const { leading, sections } = arranged(study)
  return page(
    study.title,
    html`<h1>${study.title}</h1>
${study.intro.map(paragraph)}
${leading.map(figure)}
${sections.map(
  ({ heading, text, tables = [], figures = [] }) =>
    html`<h2>${heading}</h2>${text.map(paragraph)}${tables.map(table)}<div class="charts">${figures.map(figure)}</div>`,
)}
<footer>Everything above was measured and written by <code>${command}</code>.</footer>`,
  )
}

/** The Markdown that studies use within paragraphs and cells: code and strong emphasis. */
const inline = (text: string): Markup =>
  raw(
    escape(text)
      .replaceAll(/`([^`]+)`/g, '<code>$1</code>')
      .replaceAll(/\*\*([^*]+)\*\*/g, '<strong>$1</strong>'),
  )

const paragraph = (text: string): Markup => html`<p>${inline(text)}</p>`

function table({ columns, rows }: StudyTable): Markup {
  return html`<div class="scroll"><table>
<thead><tr>${columns.map(column => html`<th>${column}</th>`)}</tr></thead>
<tbody>${rows.map(
    ([first, ...rest]) =>
      html`<tr><th>${inline(String(first))}</th>${rest.map(value => html`<td>${inline(String(value))}</td>`)}</tr>`,
  )}</tbody>
</table></div>`
}

const figure = (shown: StudyFigure): Markup =>
  html`<figure>${
    'svg' in shown ? raw(shown.svg) : html`<code>${figureFile(shown)}</code>`
  }<figcaption>${shown.caption}</figcaption></figure>`
