import { compile, given, initialise, mapTree, shape, stepStream, tensor } from '@latent/graph'
import type { Argument, Expr, MapTree, Parameter, Tensor, Tree } from '@latent/graph'
import { drawMap } from './key.ts'
import { apply, type Block, CLAMP, type FlowCrypt, flowCryptParameters, type FlowCryptShape, LAST, SLOPE, type Stack } from './network.ts'

/** What the chain leaves of the image before training, in the middle of the range and at its ends. */
const INSIDE = 0.25
const ENDS = 0.05
/** How far from an end of the range a share grows from `ENDS` to `INSIDE`. */
const REACH = 0.2
/** Largest logarithm of the first block's scale; the other blocks shrink evenly. */
const FIRST_SCALE = 0.8
/** Deviation of what is random in a fresh sub-network's output. */
const SMALL = 0.003

const SIZE = 32
const HALF = [1, 3, SIZE, SIZE]
const MAPS = [1, 1, SIZE, SIZE]

type Values = Tensor<'f32'>

/**
 * What training starts from (our choice). With v(K) uniform in 0..1 and independent from pixel to pixel (see {@link layDither}),
 * the chain as a whole is
 *
 *     C = v + share(v) (image - 1/2)
 *
 * and a little of everything else. The share falls towards the ends of the range, so that C stays inside and its
 * histogram is nearly flat whatever the image. All this is laid into the scales and shifts of the first block;
 * the other scales shrink evenly, and fifth convolutions of random sub-networks are rescaled until they add next to
 * nothing on a sample (data-dependent initialisation; Kingma and Dhariwal 2018, Glow). From plain random
 * weights, training moves towards such a chain too, but not in the hours of one processor.
 */
export async function initialFlowCrypt(form: FlowCryptShape, seed: number): Promise<FlowCrypt<Parameter>> {
  const p = (await initialise(flowCryptParameters(form), seed)) as FlowCrypt<Values>
  const stream = await stepStream(seed, 0, 'initial')
  const noise = async (): Promise<Values> => tensor('f32', HALF, Float32Array.from(await stream.uniforms(3 * SIZE * SIZE)))
  const map = async (): Promise<Values> => tensor('f32', MAPS, await drawMap(stream, SIZE * SIZE))
  let [x, y] = [await noise(), await noise()]
  const [mapX, mapY] = [await map(), await map()]

  // What all later blocks multiply by, together.
  const rest = INSIDE / Math.exp(FIRST_SCALE)
  const { scale, shift } = firstBlock(rest)
  const later = logitOfScale(rest ** (1 / (form.blocks - 1)))
  const fitted: [string, Block<Values>][] = []
  for (const [i, [name, block]] of Object.entries(p).entries()) {
    const [scaleOf, shiftOf] = i === 0 ? [scale, shift] : [{ at: [0], values: [later] }, { at: [0], values: [0] }]
    const [omega, phi] = [await fit(block.omega, y, mapY, scaleOf), await fit(block.phi, y, mapY, shiftOf)]
    x = couple(x, omega.output, phi.output)
    const [rho, eta] = [await fit(block.rho, x, mapX, scaleOf), await fit(block.eta, x, mapX, shiftOf)]
    y = couple(y, rho.output, eta.output)
    fitted.push([name, { omega: omega.stack, phi: phi.stack, rho: rho.stack, eta: eta.stack }])
  }
  return mapTree(Object.fromEntries(fitted), (_, leaf) => given(leaf as unknown as Values)) as FlowCrypt<Parameter>
}

/** A function on 0..1 by its values at a few places, straight between them; with one place a constant. */
interface Polyline {
  readonly at: readonly number[]
  readonly values: readonly number[]
}

/** s with E(s) = scale. */
const logitOfScale = (scale: number): number => 2 * Math.atanh(Math.log(scale) / CLAMP)

/** What the first block's scales and shifts are to be, as functions of v, if the other blocks multiply by `rest`. */
function firstBlock(rest: number): { scale: Polyline; shift: Polyline } {
  const ends = [logitOfScale(ENDS / rest), logitOfScale(INSIDE / rest)] as const
  const scale = { at: [0, REACH, 1 - REACH, 1], values: [ends[0], ends[1], ends[1], ends[0]] }
  const share = (v: number): number => {
    const fromEnd = Math.min(v, 1 - v, REACH) / REACH
    return rest * Math.exp(CLAMP * Math.tanh((ends[0] + fromEnd * (ends[1] - ends[0])) / 2))
  }
  const at = [0, REACH / 2, REACH, 1 - REACH, 1 - REACH / 2, 1]
  // The image's darkest and brightest values stay inside: v itself is squeezed by half a share.
  const values = at.map(v => (ENDS / 2 + (1 - ENDS) * v - share(v) / 2) / rest)
  return { scale, shift: { at, values } }
}

/**
 * A sub-network that gives this function of v on a sample, and next to nothing of what is random in it.
 */
async function fit(stack: Stack<Values>, half: Values, map: Values, wanted: Polyline): Promise<{ stack: Stack<Values>; output: Values }> {
  const pieces = wanted.at.length - 1
  const laid = pieces > 0 ? layDither(stack, wanted.at.slice(0, -1)) : stack
  const { data } = await outputs(laid, half, map)
  const last = laid[LAST]!
  const [outputsCount, inputs] = last.weight.dims as [number, number]
  const [weight, bias] = [last.weight.data.slice(), last.bias!.data.slice()]
  const each = data.length / outputsCount
  const { slopes, offset } = pieces > 0 ? bends(wanted) : { slopes: [], offset: wanted.values[0]! }
  for (let c = 0; c < outputsCount; c++) {
    const values = data.subarray(c * each, (c + 1) * each)
    const mean = values.reduce((sum, value) => sum + value, 0) / each
    const factor = SMALL / Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / each)
    for (let i = c * inputs * 9; i < (c + 1) * inputs * 9; i++) weight[i]! *= factor
    bias[c] = offset - factor * mean
    for (const [i, slope] of slopes.entries()) weight[(c * inputs + c * pieces + i) * 9 + CENTRE] = slope
  }
  const whole = { ...laid, [LAST]: { weight: tensor('f32', last.weight.dims, weight), bias: tensor('f32', last.bias!.dims, bias) } }
  return { stack: whole, output: await outputs(whole, half, map) }
}

/** Where the three colours look for K, in a 3x3 kernel: twice at the first place, once at the others. */
const TAPS = [[4, 0, 7], [5, 1, 8], [7, 3, 2]] as const
const CENTRE = 4
/** The channel of a sub-network's input that is K. */
const MAP_INPUT = 3
/** S = 2 K + K' + K'' lies in 0..4, and is folded into 0..1 here. */
const FOLD: Polyline = { at: [0, 1, 2, 3, 4], values: [0, 1, 0, 1, 0] }

/**
 * Lays a function of the map alone into the hidden layers of a sub-network, in units of their own:
 *
 *     first layer     S = 2 K(a) + K(b) + K(c): three entries of K around the pixel, others for each colour
 *     second          S bent at each fold
 *     third           v = S folded into 0..1: uniform, and independent between pixels, because 2 K(a) modulo 2 is
 *     fourth          v bent at each of `at`, for the fifth to weigh
 *
 * The fifth reads nothing of these units yet.
 */
function layDither(stack: Stack<Values>, at: readonly number[]): Stack<Values> {
  const names = Object.keys(stack)
  const copies = names.map(name => ({ dims: stack[name]!.weight.dims, weight: stack[name]!.weight.data.slice(), bias: stack[name]!.bias!.data.slice() }))
  const unit = (layer: number, output: number, bias: number, entries: readonly (readonly [input: number, tap: number, value: number])[]) => {
    const { weight, bias: biases, dims } = copies[layer]!
    const inputs = dims[1]!
    weight.fill(0, output * inputs * 9, (output + 1) * inputs * 9)
    biases[output] = bias
    for (const [input, tap, value] of entries) weight[(output * inputs + input) * 9 + tap] = value
  }
  const fold = bends(FOLD)
  for (const [colour, [twice, ...once]] of TAPS.entries()) {
    unit(0, colour, 0, [[MAP_INPUT, twice, 2], ...once.map(tap => [MAP_INPUT, tap, 1] as const)])
    const first = fold.slopes.length * colour
    for (const [i] of fold.slopes.entries()) unit(1, first + i, -FOLD.at[i]!, [[colour, CENTRE, 1]])
    unit(2, colour, fold.offset, fold.slopes.map((slope, i) => [first + i, CENTRE, slope]))
    for (const [i, place] of at.entries()) unit(3, at.length * colour + i, -place, [[colour, CENTRE, 1]])
  }
  const last = copies.at(-1)!
  const [outputsCount, inputs] = last.dims as [number, number]
  for (let c = 0; c < outputsCount; c++) last.weight.fill(0, c * inputs * 9, (c * inputs + at.length * TAPS.length) * 9)
  return Object.fromEntries(names.map((name, i) => [name, { weight: tensor('f32', copies[i]!.dims, copies[i]!.weight), bias: tensor('f32', stack[name]!.bias!.dims, copies[i]!.bias) }]))
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
  const compiled = await compile(({ p, half: h, map: m }: MapTree<typeof args, Expr>) => apply(p as Stack<Expr>, h, m) as Tree<Expr>, args, { threads: 1 })
  const { output } = await compiled.run({ half, map })
  await compiled.close()
  return tensor('f32', output!.dims, Float32Array.from(output!.data as Float32Array))
}

/** One half after its block: `x E(s) + t`. */
function couple(x: Values, s: Values, t: Values): Values {
  return tensor('f32', x.dims, x.data.map((value, i) => value * Math.exp(CLAMP * Math.tanh(s.data[i]! / 2)) + t.data[i]!))
}
