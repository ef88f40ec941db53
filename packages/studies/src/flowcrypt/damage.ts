import { mean } from '@latent/lab'
import { chart } from '../charts.ts'
import type { StudyContext, StudySection } from '../study.ts'
import { DAMAGES, keysFor, measureDamage } from './measure.ts'
import { type Variant, someImages } from './variants.ts'

const WORDS = {
  occlusion: 'a black rectangle over a part of the 8-bit cipher image',
  'salt-pepper': 'a part of its values set to black or white',
  gaussian: 'Gaussian noise on it, by variance',
} as const

/** The section on damage: PSNR of what is left, by kind and strength. */
export async function damageSection(context: StudyContext, variants: readonly Variant[]): Promise<StudySection> {
  const plains = await someImages(context, 2)
  const columns: number[][] = []
  for (const { runner, name } of variants) {
    const each: number[][] = []
    for (const [i, plain] of plains.entries()) {
      each.push(await measureDamage(runner, plain, (await keysFor(plain.width, plain.height, context.seed + i)).right))
      context.progress(i + 1, plains.length, `${name}: damage`)
    }
    columns.push(DAMAGES.map((_, j) => mean(each.map(values => values[j]!))))
  }
  const curves = (['occlusion', 'salt-pepper', 'gaussian'] as const).map(async kind => ({
    name: `damage-${kind}`,
    caption: `PSNR after ${WORDS[kind]}`,
    svg: await chart(
      DAMAGES.flatMap((damage, j) =>
        damage.kind === kind
          ? variants.map(({ name }, s) => ({ x: damage.strength, y: columns[s]![j]!, series: name }))
          : [],
      ),
      { title: kind, x: kind === 'gaussian' ? 'variance' : 'share', y: 'PSNR, dB', mark: 'line', logX: true },
    ),
  }))
  return {
    heading: 'Damage on the way',
    text: [
      'The 8-bit cipher image is damaged and decrypted; PSNR in dB, mean over pictures. Values lie ' +
        'where the mask put them, so a black rectangle becomes scattered pixels. JPEG is left out: no ' +
        'network here was trained for it.',
    ],
    tables: [
      {
        columns: ['damage', 'strength', ...variants.map(({ name }) => name)],
        rows: DAMAGES.map(({ kind, strength }, j) => [kind, strength, ...columns.map(values => values[j]!.toFixed(1))]),
      },
    ],
    figures: await Promise.all(curves),
  }
}
