import { OPEN_PHOTOS } from '../neural/photo-terms.ts'
import type { Image } from '@latent/core'
import { adam, cosineRate, epochOrder, muon, normals, shape, stepStream, tensor } from '@latent/graph'
import type { Optimiser, Parameter, Training } from '@latent/graph'
import type { Profile, Recipe } from '../recipe.ts'
import { drawMap } from './key.ts'
import { initialFlowCrypt } from './initial.ts'
import { type FlowCrypt, flowCryptParameters, SHAPES } from './network.ts'
import { objective, type Weights } from './objective.ts'
import { balancedMask, gatherHalf, splitOrder } from './split.ts'

/**
 * Pictures of a step; the side of the square of each that is split; the side of the window cut out of both halves.
 */
interface Sizes {
  readonly batch: number
  readonly crop: number
  readonly window: number
}
const USUAL: Sizes = { batch: 4, crop: 64, window: 32 }
const STEPS: Record<Profile, number> = { compact: 1200, paper: 280 }
const RATE: Record<Profile, number> = { compact: 3e-5, paper: 1.5e-5 }
/**
 * From random weights there is more to learn. Larger batches and steps learn it, and strong noise on the wire counts
 * little: what is to survive it must be loud in the cipher image. A run that goes on from learned weights asks for more
 * recovery, sees in larger windows what whole areas show, and plays against a fit; Muon finds all of it sooner than
 * Adam.
 */
const LEARNED = {
  steps: 2000,
  warmup: 20,
  noisy: 0.1,
  begun: { rate: 1e-3, recovery: 0.4, squint: 10, fit: 0, optimiser: adam, sizes: { ...USUAL, batch: 16 } },
  continued: {
    rate: 5e-4,
    recovery: 1.5,
    squint: 20,
    fit: 5,
    optimiser: muon,
    sizes: { batch: 4, crop: 128, window: 64 },
  },
}
const DATA =
  'crops of the 200 training pictures of BSDS500 (Arbelaez et al. 2011), for non-commercial research and education'

const OPEN = `crops of ${OPEN_PHOTOS}`

/** How much recovery counts beside the cipher image's statistics: the trade-off that one picks by recipe. */
const RECOVERY = { balanced: 0.4, quality: 1.5, statistics: 0.1 }

type Networks = { flowcrypt: FlowCrypt<Parameter> }

function recipe(id: string, variant: keyof typeof RECOVERY | 'learned', title: string): Recipe {
  const learned = variant === 'learned'
  return {
    id,
    title,
    published: 'the publication states neither steps nor epochs',
    data: learned ? OPEN : DATA,
    async open({ profile, seed, images, continued = false }) {
      const pictures = await images(learned ? 'open-photos' : 'bsds500', 'train')
      const networks: Networks = {
        flowcrypt: learned ? flowCryptParameters(SHAPES[profile]) : await initialFlowCrypt(SHAPES[profile], seed),
      }
      const { rate, squint, fit, sizes, optimiser, ...asked } = LEARNED[continued ? 'continued' : 'begun']
      const recovery = learned ? asked.recovery : RECOVERY[variant]
      const { batch, crop, window } = learned ? sizes : USUAL
      const dims = { batch, window }
      const { half, whole, map } = dimsOf(dims)
      const training = learned
        ? flowCryptTraining(networks, dims, { squint, fit, noisy: LEARNED.noisy }, optimiser())
        : flowCryptTraining(networks, dims)
      const steps = learned ? LEARNED.steps : STEPS[profile]
      const order = epochOrder(seed, pictures.length, batch)
      return {
        training: training as unknown as Training<never, never>,
        rates: [
          learned
            ? cosineRate(rate, { warmup: LEARNED.warmup, end: rate / 100 })
            : cosineRate(RATE[profile], { warmup: 50, end: 1e-5 }),
        ],
        steps,
        batchSize: batch,
        async data(step) {
          const picked = await order(step)
          const x = new Float32Array(elements(half))
          const y = new Float32Array(elements(half))
          const stream = await stepStream(seed, step, 'crop')
          const each = elements(half) / batch
          for (const [i, index] of picked.entries()) {
            const [u, v, mirror, at, contrast, level] = await stream.uniforms(6)
            // Some crops get the blacks and whites that whole pictures have and most crops do not.
            const [gain, middle] = i % 2 === 0 ? [1, 0.5] : [1 + contrast!, 0.3 + 0.4 * level!]
            const planes = cropped(pictures[index]!, crop, { u: u!, v: v!, mirrored: mirror! < 0.5 }).map(value =>
              Math.min(1, Math.max(0, 0.5 + gain * (value - middle))),
            )
            const { first, second } = splitOrder(balancedMask(await stream.integers(crop * crop, 2 ** 32)), crop, crop)
            const from = Math.floor(at! * (crop - window + 1))
            x.set(rows(gatherHalf(planes, first), from, window), i * each)
            y.set(rows(gatherHalf(planes, second), from, window), i * each)
          }
          const { keep, noise } = await noiseLayer(await stepStream(seed, step, 'noise'), whole)
          const keys = await drawMap(await stepStream(seed, step, 'key'), 2 * elements(map))
          return {
            x: tensor('f32', half, x),
            y: tensor('f32', half, y),
            mapX: tensor('f32', map, keys.slice(0, elements(map))),
            mapY: tensor('f32', map, keys.slice(elements(map))),
            keep: tensor('f32', whole, keep),
            noise: tensor('f32', whole, noise),
            recovery: tensor('f32', [], Float32Array.of(recovery)),
          }
        },
      }
    },
  }
}

const dimsOf = ({ batch, window }: Pick<Sizes, 'batch' | 'window'>) => ({
  half: [batch, 3, window, window],
  whole: [batch, 3, window, 2 * window],
  map: [batch, 1, window, window],
})

/** @param emphasis where it differs from that of the shipped weights */
export function flowCryptTraining(
  networks: Networks,
  sizes: Pick<Sizes, 'batch' | 'window'>,
  emphasis: Partial<Weights> = {},
  optimiser: Optimiser = adam(),
): Training<Networks> {
  const { half, whole, map } = dimsOf(sizes)
  return {
    networks,
    batch: {
      x: shape(half),
      y: shape(half),
      mapX: shape(map),
      mapY: shape(map),
      keep: shape(whole),
      noise: shape(whole),
      recovery: shape([]),
    },
    average: 0.998,
    phases: [
      {
        name: 'cipher',
        trains: ['flowcrypt'],
        optimiser,
        clip: 1,
        loss: ({ networks: { flowcrypt }, batch }) =>
          objective(
            flowcrypt,
            {
              plain: { x: batch['x']!, y: batch['y']! },
              map: { x: batch['mapX']!, y: batch['mapY']! },
              keep: batch['keep']!,
              noise: batch['noise']!,
            },
            { recovery: batch['recovery']!, uniform: 10, correlation: 20, key: 1, ...emphasis },
          ),
      },
    ],
  }
}

/** One recipe for each balance between recovery and noise. */
export const flowCryptRecipes: readonly Recipe[] = [
  recipe('flowcrypt', 'balanced', 'FlowCrypt: invertible blocks with a secret map, trained to look like noise'),
  recipe('flowcrypt-quality', 'quality', 'FlowCrypt with more weight on recovery than on the cipher image'),
  recipe('flowcrypt-statistics', 'statistics', 'FlowCrypt with more weight on the cipher image than on recovery'),
  recipe(
    'flowcrypt-learned',
    'learned',
    'FlowCrypt learned from random weights, with terms for what shows without a key',
  ),
]

const elements = (dims: readonly number[]): number => dims.reduce((a, b) => a * b, 1)

/**
 * `[3, side, side]` in 0..1 from a picture with three channels, or a grey one three times.
 * @param at where it lies, both coordinates in 0..1, and whether it is turned
 */
function cropped(
  { width, height, channels, data }: Image<'u8'>,
  side: number,
  at: { readonly u: number; readonly v: number; readonly mirrored: boolean },
): Float32Array {
  const [left, top] = [Math.floor(at.u * (width - side + 1)), Math.floor(at.v * (height - side + 1))]
  const out = new Float32Array(3 * side * side)
  for (let c = 0; c < 3; c++) {
    for (let y = 0; y < side; y++) {
      for (let x = 0; x < side; x++) {
        const from = (top + y) * width + left + (at.mirrored ? side - 1 - x : x)
        out[(c * side + y) * side + x] = data[from * channels + Math.min(c, channels - 1)]! / 255
      }
    }
  }
  return out
}

/** Rows `from` to `from + window` of each colour of a half crop, of which each row has as many pixels. */
function rows(half: Float32Array, from: number, window: number): Float32Array {
  const places = half.length / 3
  const out = new Float32Array(3 * window * window)
  for (let c = 0; c < 3; c++)
    out.set(half.subarray(c * places + from * window, c * places + (from + window) * window), c * window * window)
  return out
}

/**
 * The noise layer (published: that there is one; our choice: its kinds). The first half of a batch is
 * rounded to bytes, as uniform noise of half a level; every other sample gets one of: nothing, Gaussian
 * noise of deviation 1, 5 or 10 levels, 1 to 5 % of values set to 0 or 1, a rectangle of a sixteenth cut
 * out. JPEG is left out: it would need its own differentiable model.
 */
async function noiseLayer(
  stream: Awaited<ReturnType<typeof stepStream>>,
  dims: readonly number[],
): Promise<{ keep: Float32Array; noise: Float32Array }> {
  const [batch, channels, height, width] = dims as [number, number, number, number]
  const each = channels * height * width
  const keep = new Float32Array(batch * each).fill(1)
  const noise = new Float32Array(batch * each)
  for (let i = 0; i < batch; i++) {
    const [pick, strength, place] = await stream.uniforms(3)
    const kind = i < batch / 2 ? 'rounding' : (['none', 'gaussian', 'salt', 'crop'] as const)[Math.floor(4 * pick!)]!
    const at = i * each
    if (kind === 'rounding') {
      const u = await stream.uniforms(each)
      for (let j = 0; j < each; j++) noise[at + j] = (u[j]! - 0.5) / 255
    } else if (kind === 'gaussian') {
      const deviation = [1, 5, 10][Math.floor(3 * strength!)]! / 255
      const z = await normals(stream, each)
      for (let j = 0; j < each; j++) noise[at + j] = z[j]! * deviation
    } else if (kind === 'salt') {
      const share = 0.01 + 0.04 * strength!
      const u = await stream.uniforms(each)
      for (let j = 0; j < each; j++) {
        if (u[j]! >= share) continue
        keep[at + j] = 0
        noise[at + j] = u[j]! < share / 2 ? 0 : 1
      }
    } else if (kind === 'crop') {
      const [h, w] = [height / 4, width / 4]
      const [top, left] = [Math.floor(strength! * (height - h)), Math.floor(place! * (width - w))]
      for (let c = 0; c < channels; c++) {
        for (let y = top; y < top + h; y++)
          keep.fill(0, at + (c * height + y) * width + left, at + (c * height + y) * width + left + w)
      }
    }
  }
  return { keep, noise }
}
