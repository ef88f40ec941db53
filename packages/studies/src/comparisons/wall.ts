import type { Image } from '@latent/core'
import { encodePng } from '@latent/core/png'

/** One system on the wall: its name, and pictures side by side under their captions. */
export interface WallTile {
  readonly label: string
  readonly pictures: readonly { readonly caption: string; readonly image?: Image<'u8'> }[]
}

const [SIDE, GAP, MARGIN, LINE] = [96, 8, 16, 18]

const STYLE =
  '.wall{background:#fff;font-family:system-ui,sans-serif;font-size:15px}.wall text{fill:#1b1f26}' +
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
  const drawn = tiles.map(({ label, pictures }, i) => {
    const [left, top] = [MARGIN + (i % columns) * wide, MARGIN + Math.floor(i / columns) * high]
    const shown = pictures.map(({ caption, image }, n) => {
      const x = left + n * (SIDE + GAP)
      const frame = `x="${x}" y="${top + LINE}" width="${SIDE}" height="${SIDE}"`
      return (
        (image
          ? `<image ${frame} style="image-rendering:pixelated" href="${dataUrl(image)}"/>`
          : `<rect ${frame} class="none"/>`) +
        `<text class="small" x="${x}" y="${top + LINE + SIDE + 13}">${escaped(caption)}</text>`
      )
    })
    return `<text x="${left}" y="${top + 12}">${escaped(label)}</text>${shown.join('')}`
  })
  return (
    `<svg xmlns="http://www.w3.org/2000/svg" class="wall" role="img" viewBox="0 0 ${width} ${height}" ` +
    `width="${width}" height="${height}"><title>${escaped(title)}</title><style>${STYLE}</style>` +
    `${drawn.join('')}</svg>\n`
  )
}

const escaped = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;')

const dataUrl = (image: Image<'u8'>): string =>
  `data:image/png;base64,${btoa(Array.from(encodePng(image, 9), byte => String.fromCharCode(byte)).join(''))}`
