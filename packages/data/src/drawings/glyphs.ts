import type { Image } from '@latent/core'

// Capitals of five by seven dots, a row a hexadecimal pair, drawn for this project.
const GLYPHS: Readonly<Record<string, string>> = {
  A: '0e11111f111111',
  C: '0e11101010110e',
  E: '1f10101e10101f',
  F: '1f10101e101010',
  I: '0e04040404040e',
  L: '1010101010101f',
  M: '111b1515111111',
  N: '11191915131311',
  O: '0e11111111110e',
  P: '1e11111e101010',
  R: '1e11111e141211',
  S: '0f10100e01011e',
  T: '1f040404040404',
  U: '1111111111110e',
  Y: '11110a04040404',
}

/** Writes capitals into an RGB picture; a letter without a glyph leaves a gap. Each dot is `scale` pixels a side. */
export function drawText(
  picture: Image<'u8'>,
  text: string,
  left: number,
  top: number,
  scale: number,
  colour: readonly [number, number, number],
): void {
  for (const [i, letter] of Array.from(text).entries()) {
    const rows = GLYPHS[letter]
    if (!rows) continue
    for (let y = 0; y < 7 * scale; y++) {
      const row = Number.parseInt(rows.slice(2 * Math.floor(y / scale), 2 * Math.floor(y / scale) + 2), 16)
      for (let x = 0; x < 5 * scale; x++) {
        const px = left + 6 * scale * i + x
        const py = top + y
        if ((row >> (4 - Math.floor(x / scale))) & 1 && px < picture.width && py < picture.height)
          picture.data.set(colour, 3 * (py * picture.width + px))
      }
    }
  }
}
