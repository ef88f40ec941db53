import { type Situation, SITUATIONS } from '../attacks/results.ts'

/** Three pictures side by side, as the page of a verdict matrix holds them: PNG in base64. */
export interface PageStrip {
  readonly scheme: string
  readonly strip: string
  /** The cell that shows it, and the attack that stands there; absent for the pair beside a scheme's name. */
  readonly cell?: { readonly column: Situation; readonly attack: string }
}

const COLUMNS = new Map(Object.entries(SITUATIONS).map(([column, title]) => [title as string, column as Situation]))
const stripIn = (markup: string, part: 'plain' | 'found'): string | undefined =>
  new RegExp(`class="thumb ${part}" style="background-image:url\\(data:image/png;base64,([A-Za-z0-9+/=]+)\\)"`).exec(
    markup,
  )?.[1]

/** The pictures of a page that `renderMatrix` made. Raw rows are kept without them, which are large. */
export function stripsOf(page: string): PageStrip[] {
  return page.split('<tr>').flatMap((row): PageStrip[] => {
    const [head, ...cells] = row.split('<td ')
    const scheme = /<small>(?:<a href="[^"]*">)?([a-z0-9-]+)(?:<\/a>)?<\/small><\/span>/.exec(head!)?.[1]
    if (scheme === undefined) return []
    const own = stripIn(head!, 'plain')
    return [
      ...(own === undefined ? [] : [{ scheme, strip: own }]),
      ...cells.flatMap((cell): PageStrip[] => {
        const column = COLUMNS.get(/data-column="([^"]*)"/.exec(cell)?.[1] ?? '')
        const attack = /<small>([a-z0-9-]+), /.exec(cell)?.[1]
        const strip = stripIn(cell, 'found')
        return column === undefined || attack === undefined || strip === undefined
          ? []
          : [{ scheme, strip, cell: { column, attack } }]
      }),
    ]
  })
}
