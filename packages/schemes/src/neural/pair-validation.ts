import { compile, losses, mapTree, ops, secrecy, shape, tensor } from '@latent/graph'
import type { Expr, MapTree, Operand, Parameter, Tensor } from '@latent/graph'
import type { Profile } from '../recipe.ts'
import { cut, type Planes } from './crops.ts'
import { psnrOf } from './photo-crops.ts'
import type { PairVariant } from './pair-variant.ts'

/** Of a pair of networks, what its validation runs. */
type Checked<N> = Pick<PairVariant<N>, 'networks' | 'encrypt' | 'decrypt'>

/** Validation: squares from the middle of the first pictures of a set that is not trained on. */
export const CHECK = { every: 500, pictures: 8, size: 256 }

/** What is asked of the means over the validation pictures, together, and the unit in which a miss is counted. */
const TARGETS = [
  { name: 'psnr', least: 36, unit: 1 },
  { name: 'ssim', least: 0.99, unit: 0.01 },
  { name: 'entropy', least: 7.9, unit: 0.1 },
  { name: 'correlation', most: 0.1, unit: 0.1 },
  { name: 'edges', most: 0.05, unit: 0.05 },
  { name: 'deviation', most: 0.1, unit: 0.1 },
  { name: 'squint', most: 0.1, unit: 0.1 },
] as const satisfies readonly ({ name: keyof Figures; unit: number } & ({ least: number } | { most: number }))[]

/** Of validation pictures, as means: PSNR in dB, SSIM, bits a byte, and correlations without their sign. */
type Figures = Readonly<
  Record<'psnr' | 'worst' | 'ssim' | 'entropy' | 'correlation' | 'edges' | 'deviation' | 'squint', number>
> & {
  /** Where there is a key: PSNR in dB under a wrong one. */
  readonly wrongKey?: number
}

/** What is left of a cipher in 0..1 after 8 bits. */
export const unitWire = (cipher: Expr): Expr =>
  ops.mul(1 / 255, ops.roundStraightThrough(ops.mul(255, ops.clip(cipher, 0, 1))))

/** Of one validation picture in a graph. */
export const CHECK_DIMS = [1, 3, CHECK.size, CHECK.size]

/** What is measured of one validation picture `x`, of {@link CHECK_DIMS}. */
export const pairCheck =
  <N>(variant: Checked<N>) =>
  ({ p, x }: { p: { encryption: MapTree<N, Operand>; decryption: MapTree<N, Operand> }; x: Expr }) => {
    const cipher = unitWire(variant.encrypt(p.encryption, x))
    // As it is written: eight bits.
    const restored = unitWire(variant.decrypt(p.decryption, cipher))
    return { cipher, ...cipherFigures(cipher, restored, x) }
  }

/** Figures of one picture, its cipher image and what it was decrypted to. */
export const cipherFigures = (cipher: Expr, restored: Expr, plain: Expr): Readonly<Record<string, Expr>> => ({
  mse: losses.mse(restored, plain),
  ssim: losses.ssim(restored, plain),
  ...secrecy.outlines(cipher, plain),
  neighbours: neighbourCorrelations(cipher),
})

/** The least of the distances by which the targets are met, each in its unit; below zero where one is missed. */
export const margin = (figures: Figures): number =>
  Math.min(
    ...TARGETS.map(
      target =>
        ('least' in target ? figures[target.name] - target.least : target.most - figures[target.name]) / target.unit,
    ),
  )

/** What measures a pair's weights on validation pictures. */
export function openValidation<N>(variant: Checked<N>, profile: Profile, checks: readonly Planes[]) {
  const { encryption, decryption } = variant.networks(profile)
  return openFigures({ encryption, decryption }, pairCheck(variant), checks)
}

/** A graph of some networks' weights `p` and one validation picture `x`, of {@link CHECK_DIMS}. */
type Check = (inputs: { p: never; x: Expr }) => Readonly<Record<string, Expr>>

/** What measures networks on validation pictures. @param check gives `cipher`, and the figures of it */
export async function openFigures(networks: object, check: Check, checks: readonly Planes[]) {
  const dims = CHECK_DIMS
  const weights = mapTree(networks as unknown, (_, leaf) => shape((leaf as Parameter).dims)) as object
  const squares = checks.map(picture => cut(picture, { size: CHECK.size, u: 0.5, v: 0.5, mirror: false }, 'unit'))
  const compiled = await compile(check as never, { p: weights, x: shape(dims) } as never)
  let last: { weights: object; figures: Figures } | undefined
  return {
    close: () => compiled.close(),
    /** The figures of one set of weights are asked for twice, by the score and by the log. */
    async measure(found: Record<string, Tensor<'f32'>>): Promise<Figures> {
      if (last?.weights === found) return last.figures
      const feeds = Object.fromEntries(
        Object.entries(found)
          .filter(([path]) => Object.hasOwn(networks, path.split('.')[0]!))
          .map(([path, value]) => [`p.${path}`, value]),
      )
      const each: Omit<Figures, 'worst'>[] = []
      for (const square of squares) {
        const out = await compiled.run({ ...feeds, x: tensor('f32', dims, square) })
        const value = (name: string) => Number(out[name]!.data[0])
        each.push({
          psnr: psnrOf(value('mse')),
          ssim: value('ssim'),
          entropy: entropy(out['cipher']!.data as Float32Array),
          correlation: Math.max(...Array.from(out['neighbours']!.data as Float32Array)),
          edges: Math.sqrt(value('edges')),
          deviation: Math.sqrt(value('deviation')),
          squint: Math.sqrt(value('squint')),
          ...('wrongKey' in out && { wrongKey: psnrOf(value('wrongKey')) }),
        })
      }
      const mean = (name: keyof (typeof each)[number]) => each.reduce((sum, row) => sum + row[name]!, 0) / each.length
      const figures: Figures = {
        psnr: mean('psnr'),
        worst: Math.min(...each.map(({ psnr }) => psnr)),
        ssim: mean('ssim'),
        entropy: mean('entropy'),
        correlation: mean('correlation'),
        edges: mean('edges'),
        deviation: mean('deviation'),
        squint: mean('squint'),
        ...(each[0]?.wrongKey !== undefined && { wrongKey: mean('wrongKey') }),
      }
      last = { weights: found, figures }
      return figures
    },
  }
}

/** Of horizontal, vertical and diagonal neighbours: the mean over channels of the correlation's size. */
function neighbourCorrelations(x: Expr): Expr {
  const [, , h, w] = x.shape as [number, number, number, number]
  const part = (dy: number, dx: number, y: number, left: number) =>
    ops.slice(ops.slice(x, 2, y, h - dy + y), 3, left, w - dx + left)
  return ops.concat(
    [
      [0, 1],
      [1, 0],
      [1, 1],
    ].map(([dy, dx]) => {
      const [a, b] = [part(dy!, dx!, 0, 0), part(dy!, dx!, dy!, dx!)]
      const centred = (y: Expr) => ops.sub(y, ops.mean(y, [2, 3], true))
      const [ca, cb] = [centred(a), centred(b)]
      const size = (y: Expr) => ops.mean(ops.square(y), [2, 3])
      return ops.reshape(
        ops.mean(
          ops.abs(ops.div(ops.mean(ops.mul(ca, cb), [2, 3]), ops.sqrt(ops.add(ops.mul(size(ca), size(cb)), 1e-12)))),
        ),
        [1],
      )
    }),
    0,
  )
}

/** Shannon entropy of the bytes of a cipher image in 0..1, in bits. */
function entropy(values: Float32Array): number {
  const counts = new Float64Array(256)
  for (const value of values) counts[Math.round(value * 255)]!++
  return counts.reduce(
    (sum, count) => (count === 0 ? sum : sum - (count / values.length) * Math.log2(count / values.length)),
    0,
  )
}
