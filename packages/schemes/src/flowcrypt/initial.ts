import { argumentError } from '@latent/core'
import { compile, given, initialise, mapTree, shape, stepStream, tensor } from '@latent/graph'
import type { Argument, Expr, MapTree, Parameter, Tensor, Tree } from '@latent/graph'
import { drawMap } from './key.ts'
import {
  apply,
  type Block,
  CLAMP,
  type FlowCrypt,
  flowCryptParameters,
  type FlowCryptShape,
  LAST,
  SLOPE,
  type Stack,
} from './network.ts'

/** What the chain leaves of the image before training, in the middle of the range and at its ends. */
const INSIDE = 0.2
const ENDS = 0.06
/** How far from an end of the range a share grows from `ENDS` to `INSIDE`. */
const REACH = 0.06
/** Part of v cut off at each end, where the image alone fills the histogram. */
const CUT = 0.01
/** Largest logarithm of the dithering block's scale; the other blocks shrink evenly. */
const DITHER_SCALE = 0.9
/** Deviation of what is random in a fresh sub-network's output. */
const SMALL = 0.001

/** Three colours with a bend at each place of a polyline in {@link ditherBlock}. */
const LEAST_HIDDEN = 15

const SIZE = 32
const HALF = [1, 3, SIZE, SIZE]
const MAPS = [1, 1, SIZE, SIZE]

type Values = Tensor<'f32'>

/**
 * What training starts from (our choice). With v(K) uniform in 0..1 and independent from pixel to pixel (see {@link
 * layUnits}), the chain as a whole is
 *
 * ```text
 * X_N = v + share(v) (1/2 - Y),  Y_N = v' + share(v') (X - 1/2)
 * ```
 *
 * and a little of everything else. The halves change places and one its sign, so that a dark image makes as many
 * values brighter as darker: the first two blocks do that by three shears. The third brings in v; its
 * share falls towards the ends of the range, so that ciphers stay inside and the histogram is nearly flat. All
 * blocks but the third shrink evenly. The rest of every sub-network is random, and rescaled until it adds next to
 * nothing on a sample (data-dependent initialisation; Kingma and Dhariwal 2018, Glow). Training from random weights
 * moves towards such a chain too, but in many more hours of a processor.
 * @throws E_ARGUMENT for fewer than 4 blocks or fewer hidden units than a dither takes
 */
export async function initialFlowCrypt(sizes: FlowCryptShape, seed: number): Promise<FlowCrypt<Parameter>> {
  if (sizes.blocks < 4) throw argumentError('blocks', 'at least 4', sizes.blocks)
  if (sizes.hidden < LEAST_HIDDEN) throw argumentError('hidden', `at least ${LEAST_HIDDEN}`, sizes.hidden)
  const p = (await initialise(flowCryptParameters(sizes), seed)) as FlowCrypt<Values>
  const stream = await stepStream(seed, 0, 'initial')
  const noise = async (): Promise<Values> =>
    tensor('f32', HALF, Float32Array.from(await stream.uniforms(3 * SIZE * SIZE)))
  const map = async (): Promise<Values> => tensor('f32', MAPS, await drawMap(stream, SIZE * SIZE))
  let [x, y] = [await noise(), await noise()]
  const [mapX, mapY] = [await map(), await map()]

  const shrink = (INSIDE / Math.exp(DITHER_SCALE)) ** (1 / (sizes.blocks - 1))
  const plans = Array.from({ length: sizes.blocks }, (_, i) => planOf(i, shrink, sizes.blocks))
  const fitted: [string, Block<Values>][] = []
  for (const [i, [name, block]] of Object.entries(p).entries()) {
    const plan = plans[i]!
    const [omega, phi] = [await fit(block.omega, y, mapY, plan.omega), await fit(block.phi, y, mapY, plan.phi)]
    x = couple(x, omega.output, phi.output)
    const [rho, eta] = [await fit(block.rho, x, mapX, plan.rho), await fit(block.eta, x, mapX, plan.eta)]
    y = couple(y, rho.output, eta.output)
    fitted.push([name, { omega: omega.stack, phi: phi.stack, rho: rho.stack, eta: eta.stack }])
  }
  return mapTree(Object.fromEntries(fitted), (_, leaf) => given(leaf as unknown as Values))
}

/** What the four sub-networks of block `i` are to give. */
function planOf(i: number, shrink: number, blocks: number): Record<keyof Block<never>, Wanted> {
  const level: Wanted = { constant: logitOfScale(shrink) }
  const none: Wanted = { constant: 0 }
  // X - Y, then Y + (X - Y) = X, then (X - Y) - X = -Y, all shrunk; one is added to -Y.
  if (i === 0) return { omega: level, phi: { factor: -shrink, offset: 0 }, rho: level, eta: { factor: 1, offset: 0 } }
  if (i === 1) return { omega: level, phi: { factor: -shrink, offset: shrink ** 2 }, rho: level, eta: none }
  if (i > 2) return { omega: level, phi: none, rho: level, eta: none }
  const { scale, shift } = ditherBlock(shrink ** 2, shrink ** (blocks - 3))
  return { omega: scale, phi: shift, rho: scale, eta: shift }
}

/** A function of v in 0..1 by its values at a few places, straight between them. */
interface Polyline {
  readonly at: readonly number[]
  readonly values: readonly number[]
}

/** What a sub-network is to give: one number, a function of K, or the half it sees, colour by colour. */
type Wanted = { readonly constant: number } | Polyline | { readonly factor: number; readonly offset: number }

/** s with E(s) = scale. */
const logitOfScale = (scale: number): number => 2 * Math.atanh(Math.log(scale) / CLAMP)

/**
 * Scales and shifts as functions of v, of a block that is given halves shrunk by `before` and followed by shrinking by
 * `after`.
 */
function ditherBlock(before: number, after: number): { scale: Polyline; shift: Polyline } {
  const at = [0, CUT, CUT + REACH, 1 - CUT - REACH, 1 - CUT, 1]
  const [low, high] = [ENDS, INSIDE].map(share => logitOfScale(share / (before * after))) as [number, number]
  // v without its ends, stretched to 0..1; and squeezed by half a share, so that the darkest and brightest values of an
  // image stay inside.
  const centres = at.map(v => ENDS / 2 + (1 - ENDS) * Math.min(1, Math.max(0, (v - CUT) / (1 - 2 * CUT))))
  const shares = [ENDS, ENDS, INSIDE, INSIDE, ENDS, ENDS]
  return {
    scale: { at, values: [low, low, high, high, low, low] },
    shift: { at, values: centres.map((centre, i) => (centre - shares[i]! / 2) / after) },
  }
}

/**
 * A sub-network that gives what is wanted, and next to nothing of what is random in it.
 */
async function fit(
  stack: Stack<Values>,
  half: Values,
  map: Values,
  wanted: Wanted,
): Promise<{ stack: Stack<Values>; output: Values }> {
  const { stack: laid, weights, offset } = layUnits(stack, wanted)
  const { data } = await outputs(laid, half, map)
  const last = laid[LAST]!
  const [count, inputs] = last.weight.dims as [number, number]
  const [weight, bias] = [last.weight.data.slice(), last.bias!.data.slice()]
  const each = data.length / count
  for (let c = 0; c < count; c++) {
    const values = data.subarray(c * each, (c + 1) * each)
    const mean = values.reduce((sum, value) => sum + value, 0) / each
    const factor = SMALL / Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / each)
    for (let i = c * inputs * 9; i < (c + 1) * inputs * 9; i++) weight[i]! *= factor
    bias[c] = offset - factor * mean
    for (const [i, value] of weights.entries()) weight[(c * inputs + c * weights.length + i) * 9 + CENTRE] = value
  }
  const whole = {
    ...laid,
    [LAST]: { weight: tensor('f32', last.weight.dims, weight), bias: tensor('f32', last.bias!.dims, bias) },
  }
  return { stack: whole, output: await outputs(whole, half, map) }
}

/** Where the three colours look for K, in a 3x3 kernel: twice at the first place, once at the others. */
const TAPS = [
  [4, 0, 7],
  [5, 1, 8],
  [7, 3, 2],
] as const
const CENTRE = 4
/** The channel of a sub-network's input that is K. */
const MAP_INPUT = 3
/** Added to a half before activations: its values, differences of two images at most, are above -1. */
const RAISED = 1
/** S = 2 K + K' + K'' lies in 0..4, and is folded into 0..1 here. */
const FOLD: Polyline = { at: [0, 1, 2, 3, 4], values: [0, 1, 0, 1, 0] }

/**
 * Lays what is wanted into the hidden layers of a sub-network, in units of their own, and says how the fifth layer,
 * which reads nothing of them yet, is to weigh those of each colour. For a function of the map:
 *
 * ```text
 * first layer     S = 2 K(a) + K(b) + K(c): three entries of K around the pixel, others for each colour
 * second          S bent at each fold
 * third           v = S folded into 0..1: uniform, and independent between pixels, because 2 K(a) modulo 2 is
 * fourth          v bent at each of the polyline's places
 * ```
 *
 * The half itself goes through all four, raised so that no activation cuts it off.
 */
function layUnits(
  stack: Stack<Values>,
  wanted: Wanted,
): { stack: Stack<Values>; weights: readonly number[]; offset: number } {
  if ('constant' in wanted) return { stack, weights: [], offset: wanted.constant }
  const names = Object.keys(stack)
  const copies = names.map(name => ({
    dims: stack[name]!.weight.dims,
    weight: stack[name]!.weight.data.slice(),
    bias: stack[name]!.bias!.data.slice(),
  }))
  const unit = (
    layer: number,
    output: number,
    bias: number,
    entries: readonly (readonly [input: number, tap: number, value: number])[],
  ) => {
    const { weight, bias: biases, dims } = copies[layer]!
    const inputs = dims[1]!
    weight.fill(0, output * inputs * 9, (output + 1) * inputs * 9)
    biases[output] = bias
    for (const [input, tap, value] of entries) weight[(output * inputs + input) * 9 + tap] = value
  }
  const done = (perColour: number) => {
    const { weight, dims } = copies.at(-1)!
    const [count, inputs] = dims as [number, number]
    for (let c = 0; c < count; c++) weight.fill(0, c * inputs * 9, (c * inputs + perColour * TAPS.length) * 9)
    return Object.fromEntries(
      names.map((name, i) => [
        name,
        {
          weight: tensor('f32', copies[i]!.dims, copies[i]!.weight),
          bias: tensor('f32', stack[name]!.bias!.dims, copies[i]!.bias),
        },
      ]),
    )
  }
  if ('factor' in wanted) {
    for (const colour of TAPS.keys())
      for (let layer = 0; layer < names.length - 1; layer++)
        unit(layer, colour, layer === 0 ? RAISED : 0, [[colour, CENTRE, 1]])
    return { stack: done(1), weights: [wanted.factor], offset: wanted.offset - wanted.factor * RAISED }
  }
  const fold = bends(FOLD)
  const bent = bends(wanted)
  for (const [colour, [twice, ...once]] of TAPS.entries()) {
    unit(0, colour, 0, [[MAP_INPUT, twice, 2], ...once.map(tap => [MAP_INPUT, tap, 1] as const)])
    const first = fold.slopes.length * colour
    for (const [i] of fold.slopes.entries()) unit(1, first + i, -FOLD.at[i]!, [[colour, CENTRE, 1]])
    unit(
      2,
      colour,
      fold.offset,
      fold.slopes.map((slope, i) => [first + i, CENTRE, slope]),
    )
    for (const [i] of bent.slopes.entries())
      unit(3, bent.slopes.length * colour + i, -wanted.at[i]!, [[colour, CENTRE, 1]])
  }
  return { stack: done(bent.slopes.length), weights: bent.slopes, offset: bent.offset }
}

/** The polyline as `offset + sum of slope_i leakyRelu(v - at_i)`: leaky units also slope before their bend. */
function bends({ at, values }: Polyline): { slopes: number[]; offset: number } {
  const pieces = at.slice(1).map((place, i) => (values[i + 1]! - values[i]!) / (place - at[i]!))
  const slopes = pieces.map((piece, i) => (i === 0 ? 0 : (piece - pieces[i - 1]!) / (1 - SLOPE)))
  slopes[0] = pieces[0]! - SLOPE * slopes.reduce((sum, slope) => sum + slope, 0)
  const before = slopes.reduce((sum, slope, i) => sum + slope * SLOPE * (at[0]! - at[i]!), 0)
  return { slopes, offset: values[0]! - before }
}

async function outputs(stack: Stack<Values>, half: Values, map: Values): Promise<Values> {
  const args = { p: stack as Stack<Argument>, half: shape(HALF), map: shape(MAPS) }
  const compiled = await compile(
    ({ p, half: h, map: m }: MapTree<typeof args, Expr>) => apply(p as Stack<Expr>, h, m) as Tree<Expr>,
    args,
    { threads: 1 },
  )
  const { output } = await compiled.run({ half, map })
  await compiled.close()
  return tensor('f32', output!.dims, Float32Array.from(output!.data as Float32Array))
}

/** One half after its block: `x E(s) + t`. */
function couple(x: Values, s: Values, t: Values): Values {
  return tensor(
    'f32',
    x.dims,
    x.data.map((value, i) => value * Math.exp(CLAMP * Math.tanh(s.data[i]! / 2)) + t.data[i]!),
  )
}
