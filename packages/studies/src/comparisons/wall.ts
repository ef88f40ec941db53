import type { Image } from '@latent/core'
import { encodePng } from '@latent/core/png'

/** One system on the wall: its name, and pictures side by side under their captions. */
export interface WallTile {
  readonly label: string
  readonly pictures: readonly { readonly caption: string; readonly image?: Image<'u8'> }[]
}

const [SIDE, GAP, MARGIN, LINE] = [96, 8, 16, 18]

const SIZE = `width="${SIDE}" height="${SIDE}"`

const STYLE =
  '.wall{background:#fff;font-family:system-ui,sans-serif;font-size:15px}.wall text{fill:#1b1f26}' +
  '.wall image{image-rendering:pixelated}' +
  '.wall .small{font-size:12px;fill:#5a6372}.wall .none{fill:none;stroke:#b8bfca}' +
  '@media (prefers-color-scheme:dark){.wall{background:#14171c}.wall text{fill:#e6e9ee}' +
  '.wall .small{fill:#a0a9b8}.wall .none{stroke:#4a5361}}'

/**
 * Pictures of many systems in one file that stands alone, two systems a row, so that names can be read on a phone too.
 * A picture that is missing is an empty frame.
 */
export function wall(tiles: readonly WallTile[], title: string, columns = 2): string {
  const across = Math.max(...tiles.map(({ pictures }) => pictures.length))
  const [wide, high] = [across * (SIDE + GAP) - GAP + MARGIN, LINE + SIDE + LINE + MARGIN]
  const width = columns * wide + MARGIN
  const height = Math.ceil(tiles.length / columns) * high + MARGIN
  // A picture that is shown again, such as one that came back exactly, is in the file once.
  const known = new Map<string, string>()
  const drawn = tiles.map(({ label, pictures }, i) => {
    const [left, top] = [MARGIN + (i % columns) * wide, MARGIN + Math.floor(i / columns) * high]
    const shown = pictures.map(({ caption, image }, n) => {
      const x = left + n * (SIDE + GAP)
      const place = `x="${x}" y="${top + LINE}"`
      return (
        (image ? `<use ${place} href="#${named(known, image)}"/>` : `<rect ${place} ${SIZE} class="none"/>`) +
        `<text class="small" x="${x}" y="${top + LINE + SIDE + 13}">${escaped(caption)}</text>`
      )
    })
    return `<text x="${left}" y="${top + 12}">${escaped(label)}</text>${shown.join('')}`
  })
  return (
    `<svg xmlns="http://www.w3.org/2000/svg" class="wall" role="img" viewBox="0 0 ${width} ${height}" ` +
    `width="${width}" height="${height}"><title>${escaped(title)}</title><style>${STYLE}</style>` +
    `<defs>${Array.from(known, ([url, id]) => `<image id="${id}" ${SIZE} href="${url}"/>`).join('')}</defs>` +
    `${drawn.join('')}</svg>\n`
  )
}

/** The id of a picture among those that are known. */
function named(known: Map<string, string>, image: Image<'u8'>): string {
  const url = dataUrl(image)
  const id = known.get(url) ?? `picture-${known.size}`
  known.set(url, id)
  return id
}

const escaped = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;')

const dataUrl = (image: Image<'u8'>): string =>
  `data:image/png;base64,${btoa(Array.from(encodePng(image, 9), byte => String.fromCharCode(byte)).join(''))}`
