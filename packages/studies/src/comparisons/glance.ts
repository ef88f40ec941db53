import { publishedFor } from '@latent/lab'
import type { StudySection } from '../study.ts'
import type { Measured } from './measure.ts'
import { comparedFigures } from './verdict.ts'
import { wall } from './wall.ts'

/** NPCR from which on a changed sample is spread as well as one can ask of pictures this small. */
const SPREAD = 0.99

/** What every system that ran looks like, and ten lines of what came of all of them. */
export function glanceSection(all: ReadonlyMap<string, Measured>, systems: number): StudySection {
  const tiles = Array.from(all, ([label, { shown }]) => ({
    label,
    pictures: [
      { caption: 'plain', image: shown.plain },
      { caption: 'cipher', image: shown.cipher },
      {
        caption: shown.decrypted ? 'decrypted' : 'never decrypted',
        ...(shown.decrypted && { image: shown.decrypted }),
      },
    ],
  }))
  return {
    heading: 'At a glance',
    text: [
      linesOf(all, systems)
        .map(line => `* ${line}`)
        .join('\n'),
    ],
    figures: [
      {
        name: 'wall',
        caption:
          'Plain, cipher and decrypted picture of every system that ran. Cipher images of another shape are drawn in ' +
          'that of the picture, floats in 8 bits.',
        svg: wall(tiles, 'Plain, cipher and decrypted picture of every system'),
      },
    ],
  }
}

function linesOf(all: ReadonlyMap<string, Measured>, systems: number): string[] {
  const rows = Array.from(all, ([id, measured]) => ({ id, ...measured }))
  const names = (chosen: readonly { readonly id: string }[]) =>
    chosen.length === 0 ? 'none' : chosen.map(({ id }) => `\`${id}\``).join(', ')
  const exact = rows.filter(row => row.exact)
  const lossy = rows.filter(({ psnr }) => psnr !== undefined).toSorted((a, b) => b.psnr! - a.psnr!)
  const [best, worst] = [lossy[0], lossy.at(-1)]
  const printed = rows.flatMap(row => {
    const published = publishedFor(row.id)
    const figures = (published ? comparedFigures(published, row) : []).filter(({ met }) => met !== undefined)
    return figures.length === 0 ? [] : [{ id: row.id, met: figures.every(({ met }) => met) }]
  })
  const flat = rows.filter(({ entropy }) => (entropy ?? 0) >= 7.95)
  const spread = rows.filter(({ npcr }) => (npcr ?? 0) >= SPREAD)
  const flatAlone = flat.filter(row => !spread.includes(row))
  const quick = rows.toSorted((a, b) => a.encryptMs - b.encryptMs)
  const keyless = rows.filter(({ keyBits }) => keyBits === 0)
  return [
    `${rows.length} of ${systems} systems ran; of the rest the last table but one says what is missing.`,
    `${exact.length} give every picture back exactly, where a PSNR says nothing.`,
    ...(best && worst
      ? [
          `${lossy.length} are lossy: from ${best.psnr!.toFixed(1)} dB (\`${best.id}\`) down to ` +
            `${worst.psnr!.toFixed(1)} dB (\`${worst.id}\`).`,
        ]
      : []),
    `Every figure printed of them was met or passed by ${names(printed.filter(({ met }) => met))}.`,
    `One or more was missed by ${names(printed.filter(({ met }) => !met))}.`,
    `${flat.length} have cipher images of 7.95 bits a byte or more, as AES has: that alone tells nothing.`,
    `Of those ${flatAlone.length} keep a changed sample to itself (NPCR below ${100 * SPREAD} %): ${names(flatAlone)}.`,
    `A changed sample reaches the whole cipher image in ${names(spread)}.`,
    `The weights are the only secret of ${names(keyless)}: those here are public.`,
    ...(quick.length > 0
      ? [
          `Times to encrypt one picture go from ${quick[0]!.encryptMs.toFixed(1)} ms (\`${quick[0]!.id}\`) to ` +
            `${quick.at(-1)!.encryptMs.toFixed(0)} ms (\`${quick.at(-1)!.id}\`).`,
        ]
      : []),
  ]
}
