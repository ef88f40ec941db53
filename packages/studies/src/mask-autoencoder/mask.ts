import { percent } from '../numbers.ts'
import type { Image } from '@latent/core'
import { mean, modeOf, sampleErrors } from '@latent/lab'
import { chart, type ChartPoint } from '../charts.ts'
import type { StudyContext, StudySection } from '../study.ts'
import { agreement, flippedMaskBits, foreignMask, lossBeforeXor, masked, strangersKey } from './attacks.ts'
import { asRgb, type OpenVariant, picturesOf } from './variants.ts'

const FLIPS = [1, 4, 16, 64, 256, 1024, 4096]
const SETS = [3, 5, 10, 20, 40, 80, 160, 320]

/** What the mask, the paper's key, does and does not protect. */
export async function maskSection(context: StudyContext, variants: readonly OpenVariant[]): Promise<StudySection> {
  const limit = context.quick ? 3 : 50
  const rows: (string | number)[][] = []
  const curve: ChartPoint[] = []
  for (const [i, variant] of variants.entries()) {
    context.progress(i, variants.length, 'masks and keys')
    const pictures = await picturesOf(context, variant.set, 'test', limit)
    const right = await rightKey(variant, pictures)
    if (variant.kind === 'repaired') {
      rows.push([
        variant.name,
        right.toFixed(2),
        (await strangersKey(variant, pictures)).toFixed(2),
        'no mask',
        'no mask',
      ])
      continue
    }
    const foreign: number[] = []
    for (let number = 0; number < (context.quick ? 1 : 3); number++)
      foreign.push(await foreignMask(variant, number, pictures, context.seed))
    const flips = context.quick ? [1, 1024] : [...FLIPS, 4 * variant.mask.length]
    for (const bits of flips)
      curve.push({ x: bits, y: await flippedMaskBits(variant, bits, pictures, context.seed), series: variant.name })
    const oneBit = curve.find(({ x, series }) => x === 1 && series === variant.name)!.y
    rows.push([
      variant.name,
      right.toFixed(2),
      (await strangersKey(variant, pictures)).toFixed(2),
      oneBit.toFixed(2),
      mean(foreign).toFixed(2),
    ])
  }
  const modes = await modeCurve(context)
  const other = await unmasked(context, variants, limit)
  const enough = modes.points.find(({ y }) => y >= 0.99) ?? modes.points.at(-1)!
  return {
    heading: 'The mask is no key',
    text: [
      `PSNR (dB, ${limit} test pictures) of what the receiver gets: with the right key; with a key ` +
        `of a stranger's choosing, who has the weights; and, where there is a mask, when the sender's ` +
        'mask has one bit wrong, or is another one altogether. The claimed key space of 2^24576 counts ' +
        'masks; the decoder needs none of it.',
      'A masked data set is a many-time pad. The most frequent byte at each place is the mask wherever ' +
        'pictures are usually black: ' +
        `${enough.x} masked digits give ${percent(enough.y)} of it, ` +
        `and one known pair gives all of it (measured: ${percent(modes.known)} of the bytes).`,
      'If instead the receiver unmasked, as one sentence of the paper has it, loss would come before ' +
        'the XOR. With no larger errors than the repaired variant makes on the same CIFAR pictures ' +
        `(${other.codec.toFixed(2)} dB), ${other.afterXor.toFixed(2)} dB would be left: an error ` +
        'that carries into bit 7 is a jump of 128. This is computed from those errors, not trained.',
    ],
    tables: [{ columns: ['network', 'right key', "stranger's key", 'one mask bit wrong', 'another mask'], rows }],
    figures: [
      {
        name: 'mask-bits',
        caption: "Quality against wrong bits of the sender's mask: no avalanche.",
        svg: await chart(curve, {
          title: 'Wrong bits of the mask',
          x: 'wrong bits',
          y: 'PSNR, dB',
          mark: 'line',
          logX: true,
        }),
      },
      {
        name: 'mask-mode',
        caption: 'Share of the mask that masked digits give away, without any plain one.',
        svg: await chart(modes.points, {
          title: 'The mask from masked digits',
          x: 'masked digits seen',
          y: 'share of the mask',
          mark: 'line',
          logX: true,
        }),
      },
    ],
  }
}

async function rightKey(variant: OpenVariant, pictures: readonly Image<'u8'>[]): Promise<number> {
  const values: number[] = []
  for (const plain of pictures)
    values.push(Math.min(88, sampleErrors(plain, await variant.decrypt(await variant.encrypt(plain))).psnr))
  return mean(values)
}

async function modeCurve(context: StudyContext): Promise<{ points: ChartPoint[]; known: number }> {
  const sizes = context.quick ? [3, 20] : SETS
  const digits = await picturesOf(context, 'mnist', 'test', Math.max(...sizes))
  const mask = Uint8Array.from({ length: 3 * 784 }, (_, i) => (i * 167 + 13 * (i >> 4)) & 255)
  const seen = digits.map(plain => masked(plain, mask))
  const pair = seen[0]!.map((value, i) => value ^ asRgb(digits[0]!).data[i]!)
  return {
    points: sizes.map(size => ({ x: size, y: agreement(modeOf(seen.slice(0, size)), mask) })),
    known: agreement(pair, mask),
  }
}

async function unmasked(
  context: StudyContext,
  variants: readonly OpenVariant[],
  limit: number,
): Promise<{ codec: number; afterXor: number }> {
  const repaired = variants.find(({ set, kind }) => set === 'cifar' && kind === 'repaired')!
  const [codec, afterXor]: [number[], number[]] = [[], []]
  for (const plain of await picturesOf(context, 'cifar', 'test', limit)) {
    const restored = await repaired.decrypt(await repaired.encrypt(plain))
    codec.push(sampleErrors(plain, restored).psnr)
    afterXor.push(sampleErrors(plain, lossBeforeXor(plain, restored, repaired.mask)).psnr)
  }
  return { codec: mean(codec), afterXor: mean(afterXor) }
}
