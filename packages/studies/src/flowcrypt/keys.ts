import { mean } from '@latent/lab'
import type { StudyContext, StudySection } from '../study.ts'
import { type Figure, keysFor, measureNudges, NUDGES } from './measure.ts'
import { type Row, most, of } from './quality.ts'
import { type Variant, someImages } from './variants.ts'

/** The section on wrong keys: mask and map each right or wrong. */
export function keySection(rows: readonly Row[]): StudySection {
  const names: readonly [Figure, string][] = [
    ['wrong', 'another key (its last character)'],
    ['rightMapWrongMask', 'right K, wrong mask'],
    ['wrongMapRightMask', 'wrong K, right mask'],
    ['misplaced', 'right K for both halves as they were cut, and pixels put back by a wrong mask'],
  ]
  return {
    heading: 'With a part of the key',
    text: [
      'PSNR of the decryption of a float cipher image in dB, mean and most over pictures; below 12 ' +
        'nothing useful is left. K is split by the mask, so a wrong mask alone already brings both ' +
        'halves of K into disorder. The last row is what the mask is worth by itself: it moves pixels ' +
        'along their row or column only as far as its count of ones strays, so the picture stays in ' +
        'part recognisable. As far as we could read, the published construction has no more than that ' +
        'to offer against someone who knows K.',
    ],
    tables: [
      {
        columns: ['', ...rows.map(({ variant }) => variant.name)],
        rows: names.map(([name, label]) => [
          label,
          ...rows.map(row => `${mean(of(row, name)).toFixed(1)} (most ${most(of(row, name)).toFixed(1)})`),
        ]),
      },
    ],
  }
}

/** The section on a map that is off by a little. */
export async function nudgeSection(context: StudyContext, variants: readonly Variant[]): Promise<StudySection> {
  const plains = await someImages(context, 2)
  const columns: number[][] = []
  for (const { runner, name } of variants) {
    const each: number[][] = []
    for (const [i, plain] of plains.entries()) {
      each.push(await measureNudges(runner, plain, (await keysFor(plain.width, plain.height, context.seed + i)).right))
      context.progress(i + 1, plains.length, `${name}: maps that are nearly right`)
    }
    columns.push(NUDGES.map((_, j) => mean(each.map(values => values[j]!))))
  }
  return {
    heading: 'A map that is nearly right',
    text: [
      'The key goes through PBKDF2, so nearly right keys do not exist; nearly right maps do, and a ' +
        'network is a continuous function of its map. Decryption in dB, mean over pictures: an ' +
        'attacker who finds K roughly sees the picture roughly, and knows in which direction to ' +
        'improve.',
    ],
    tables: [
      {
        columns: ['K', ...variants.map(({ name }) => name)],
        rows: NUDGES.map(({ name }, j) => [name, ...columns.map(values => values[j]!.toFixed(1))]),
      },
    ],
  }
}
