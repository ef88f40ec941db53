import type { Image } from '@latent/core'

/**
 * The page of truth of one scheme: what its paper says and what is our choice, what is secret, what
 * breaks it, published figures beside measured ones. A study measures and writes; every number in
 * its text and tables is computed while it runs.
 */
export interface Study {
  readonly id: string
  readonly title: string
  run(context: StudyContext): Promise<StudyPage>
}

/** What a study is given: data by name, a seed, and somebody to tell of progress. */
export interface StudyContext {
  /**
   * Pictures of a set by name (`bsds500/val@256`, `procedural:8`, ...), the first `limit`. A set that is
   * not on this machine throws.
   * @throws E_DATA
   */
  readonly images: (source: string, limit?: number) => Promise<readonly NamedImage[]>
  /** The class of each picture of a labelled set, such as `cifar10/test`. @throws E_DATA */
  readonly labels: (source: string) => Promise<Uint8Array>
  /** A file of the data folder, such as a published key. @throws E_DATA */
  readonly file: (path: string) => Promise<Uint8Array>
  readonly seed: number
  /** Few pictures and trials: shows that everything runs; its figures are not to be published. */
  readonly quick: boolean
  readonly progress: (done: number, total: number, what: string) => void
  /**
   * Milliseconds that the processor has worked for this process, all threads together; absent where nothing counts
   * them. Other work on the machine hardly changes it, as it does the time of day.
   */
  readonly processorMs?: () => number
}

/** A picture, and what it is called in its set. */
export interface NamedImage {
  readonly id: string
  readonly image: Image<'u8'>
}

/** A page as its study wrote it, before it is Markdown or HTML. */
export interface StudyPage {
  readonly title: string
  /** Paragraphs in Markdown before the first section. */
  readonly intro: readonly string[]
  /** Name of the figure that says most, which is shown behind the introduction instead of in its section. */
  readonly lead?: string
  readonly sections: readonly StudySection[]
}

/** A page as it is shown: what leads apart, and no section that had nothing else. */
export function arranged({ lead, sections }: StudyPage): { leading: StudyFigure[]; sections: StudySection[] } {
  const leads = ({ name }: StudyFigure) => name === lead
  return {
    leading: sections.flatMap(({ figures = [] }) => figures.filter(leads)),
    sections: sections
      .map(section => ({ ...section, figures: (section.figures ?? []).filter(figure => !leads(figure)) }))
      .filter(({ text, tables = [], figures }) => text.length + tables.length + figures.length > 0),
  }
}

/** A heading with text, then tables, then figures. */
export interface StudySection {
  readonly heading: string
  /** Paragraphs in Markdown. */
  readonly text: readonly string[]
  readonly tables?: readonly StudyTable[]
  readonly figures?: readonly StudyFigure[]
}

/** Cells may hold Markdown; every row has as many as there are columns. */
export interface StudyTable {
  readonly columns: readonly string[]
  readonly rows: readonly (readonly (string | number)[])[]
}

/** A cell as data: a number where it is one, with its unit if it has one; words stay words. */
type CellData = string | number | { readonly value: number; readonly unit: string }

/** A table for programs. */
export function tableData({ columns, rows }: StudyTable): { columns: readonly string[]; rows: CellData[][] } {
  return { columns, rows: rows.map(row => row.map(cellData)) }
}

const NUMBER = /^(-?\d{1,3}(?:,\d{3})+|-?\d+)(\.\d+)?(e[+-]?\d+)?( (?:%|dB|bits|MB|GB|s|ms))?$/

function cellData(cell: string | number): CellData {
  const [text, whole, fraction = '', power = '', unit] = NUMBER.exec(String(cell)) ?? []
  if (text === undefined || whole === undefined) return cell
  const value = Number(`${whole.replaceAll(',', '')}${fraction}${power}`)
  return unit === undefined ? value : { value, unit: unit.trim() }
}

/** A picture in a file of its own: a chart as SVG (see `chart`), or an image of up to four channels. */
export type StudyFigure = { readonly name: string; readonly caption: string } & (
  { readonly svg: string } | { readonly image: Image<'u8'> }
)

/** The page as Markdown; figures are referred to by the names of {@link figureFile}. */
export function pageMarkdown(page: StudyPage, command: string): string {
  const { leading, sections } = arranged(page)
  const blocks = [
    `# ${page.title}`,
    ...page.intro,
    ...leading.flatMap(figureMarkdown),
    ...sections.flatMap(section => [
      `## ${section.heading}`,
      ...section.text,
      ...(section.tables ?? []).map(tableMarkdown),
      ...(section.figures ?? []).flatMap(figureMarkdown),
    ]),
  ]
  return `${blocks.join('\n\n')}\n\nEverything above was measured and written by \`${command}\`.\n`
}

const cell = (value: string | number): string => String(value).replaceAll('|', '\\|').replaceAll('\n', ' ')

function tableMarkdown({ columns, rows }: StudyTable): string {
  const line = (cells: readonly (string | number)[]) => `| ${cells.map(cell).join(' | ')} |`
  return [line(columns), `|${columns.map(() => '---').join('|')}|`, ...rows.map(line)].join('\n')
}

const figureMarkdown = (figure: StudyFigure): string[] => [
  `![${figure.caption.replaceAll(/[[\]]/g, '')}](${figureFile(figure)})`,
  `*${figure.caption}*`,
]

/** The name of a figure's file beside its page. */
export const figureFile = (figure: StudyFigure): string => `${figure.name}.${'svg' in figure ? 'svg' : 'png'}`
