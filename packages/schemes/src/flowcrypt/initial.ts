import { compile, given, initialise, mapTree, shape, stepStream, tensor } from '@latent/graph'
import type { Argument, Expr, MapTree, Parameter, Tensor, Tree } from '@latent/graph'
import { drawMap } from './key.ts'
import { apply, type Block, CLAMP, type FlowCrypt, flowCryptParameters, type FlowCryptShape, LAST, type Stack } from './network.ts'

/** What the chain as a whole leaves of the image before training. */
const IMAGE = 0.2
/** Room that is left at both ends of the range for what training adds. */
const MARGIN = 0.01
/** Deviation of everything else a fresh sub-network adds: the logarithm of a scale, or a shift. */
const SMALL = 0.003

const SIZE = 32
const HALF = [1, 3, SIZE, SIZE]
const MAPS = [1, 1, SIZE, SIZE]

type Values = Tensor<'f32'>

/**
 * What training starts from (our choice): the chain is `image / 5 + dither(K)` and a little of everything else.
 *
 * All scales shrink the image evenly. The fifth convolutions of random sub-networks are rescaled until
 * they add next to nothing, fitted to a sample as flows usually are (data-dependent initialisation; Kingma
 * and Dhariwal 2018, Glow). The shifts of the first block are given their map term by {@link dither}: left
 * to itself, training finds such a term only after many more steps than a processor does in an hour.
 */
export async function initialFlowCrypt(form: FlowCryptShape, seed: number): Promise<FlowCrypt<Parameter>> {
  const p = (await initialise(flowCryptParameters(form), seed)) as FlowCrypt<Values>
  const stream = await stepStream(seed, 0, 'initial')
  const noise = async (): Promise<Values> => tensor('f32', HALF, Float32Array.from(await stream.uniforms(3 * SIZE * SIZE)))
  const map = async (): Promise<Values> => tensor('f32', MAPS, await drawMap(stream, SIZE * SIZE))
  let [x, y] = [await noise(), await noise()]
  const [mapX, mapY] = [await map(), await map()]

  const shrink = IMAGE ** (1 / form.blocks)
  // log E = CLAMP tanh(s / 2), solved for s.
  const scaleMean = 2 * Math.atanh(Math.log(shrink) / CLAMP)
  const fitted: [string, Block<Values>][] = []
  for (const [i, [name, block]] of Object.entries(p).entries()) {
    const shift = async (stack: Stack<Values>, half: Values, map: Values) => {
      if (i > 0) return fit(stack, half, map, 0, SMALL)
      // What is random is fitted beside the dither, which then gets its weight.
      const { stack: beside } = await fit(dither(stack, 0), half, map, 0, SMALL)
      const whole = dither(beside, 1 / shrink ** (form.blocks - 1))
      return { stack: whole, output: await outputs(whole, half, map) }
    }
    const [omega, phi] = [await fit(block.omega, y, mapY, scaleMean, SMALL), await shift(block.phi, y, mapY)]
    x = couple(x, omega.output, phi.output)
    const [rho, eta] = [await fit(block.rho, x, mapX, scaleMean, SMALL), await shift(block.eta, x, mapX)]
    y = couple(y, rho.output, eta.output)
    fitted.push([name, { omega: omega.stack, phi: phi.stack, rho: rho.stack, eta: eta.stack }])
  }
  return mapTree(Object.fromEntries(fitted), (_, leaf) => given(leaf as unknown as Values)) as FlowCrypt<Parameter>
}

/** The sub-network with a fifth convolution that gives every output this mean and deviation on a sample, and those outputs. */
async function fit(stack: Stack<Values>, half: Values, map: Values, mean: number, deviation: number): Promise<{ stack: Stack<Values>; output: Values }> {
  const { dims, data } = await outputs(stack, half, map)
  const last = stack[LAST]!
  const [weight, bias] = [last.weight.data.slice(), last.bias!.data.slice()]
  const each = data.length / bias.length
  for (let c = 0; c < bias.length; c++) {
    const values = data.subarray(c * each, (c + 1) * each)
    const middle = values.reduce((sum, value) => sum + value, 0) / each
    const factor = deviation / Math.sqrt(values.reduce((sum, value) => sum + (value - middle) ** 2, 0) / each)
    for (let i = 0; i < each; i++) values[i] = mean + factor * (values[i]! - middle)
    const row = weight.length / bias.length
    for (let i = c * row; i < (c + 1) * row; i++) weight[i]! *= factor
    bias[c] = mean - factor * middle
  }
  return {
    stack: { ...stack, [LAST]: { weight: tensor('f32', last.weight.dims, weight), bias: tensor('f32', last.bias!.dims, bias) } },
    output: tensor('f32', dims, data),
  }
}

/** Where the three colours look for K, in a 3x3 kernel: twice at the first place, once at the others. */
const TAPS = [[4, 0, 7], [5, 1, 8], [7, 3, 2]] as const
/** S = 2 K + K' + K'' lies in 0..4; it is folded at these places. */
const FOLDS = [0, 1, 2, 3] as const

/**
 * Lays a term of the map alone into a sub-network, in units of their own, five convolutions deep:
 *
 *     S = 2 K(a) + K(b) + K(c)        three entries of K around the pixel, others for each colour
 *     v = |fold of S into 0..1|       uniform and independent between pixels, because 2 K(a) modulo 2 is
 *     t = v cut off at both ends      so that image / 5 + t has no ramps at the ends of its range
 *
 * @param factor what later blocks will divide it by
 */
function dither(stack: Stack<Values>, factor: number): Stack<Values> {
  const names = Object.keys(stack)
  const copies = names.map(name => ({ weight: stack[name]!.weight.data.slice(), bias: stack[name]!.bias!.data.slice(), inputs: stack[name]!.weight.dims[1]! }))
  const place = (layer: number, output: number, bias: number, entries: readonly (readonly [input: number, tap: number, value: number])[], keep = false) => {
    const { weight, bias: biases, inputs } = copies[layer]!
    if (!keep) weight.fill(0, output * inputs * 9, (output + 1) * inputs * 9)
    biases[output] = keep ? biases[output]! + bias : bias
    for (const [input, tap, value] of entries) weight[(output * inputs + input) * 9 + tap] = value
  }
  const MAP_INPUT = 3
  const CENTRE = 4
  // Cutting off a tenth at each end leaves atoms that the image spreads over a fifth of the range.
  const cut = IMAGE / 2
  const slope = (factor * (1 - IMAGE - 2 * MARGIN)) / (1 - 2 * cut)
  for (const [colour, [twice, ...once]] of TAPS.entries()) {
    place(0, colour, 0, [[MAP_INPUT, twice, 2], ...once.map(tap => [MAP_INPUT, tap, 1] as const)])
    const first = FOLDS.length * colour
    for (const fold of FOLDS) place(1, first + fold, -fold, [[colour, CENTRE, 1]])
    place(2, colour, 0, FOLDS.map(fold => [first + fold, CENTRE, fold === 0 ? 1 : fold % 2 === 0 ? 2 : -2]))
    place(3, 2 * colour, -cut, [[colour, CENTRE, 1]])
    place(3, 2 * colour + 1, cut - 1, [[colour, CENTRE, 1]])
  }
  for (const colour of TAPS.keys()) {
    // The random part of the last layer must not read the units just laid.
    const laid = TAPS.flatMap((_, other) => [2 * other, 2 * other + 1])
    const { weight, inputs } = copies[names.length - 1]!
    for (const input of laid) weight.fill(0, (colour * inputs + input) * 9, (colour * inputs + input + 1) * 9)
    place(names.length - 1, colour, factor * MARGIN, [[2 * colour, CENTRE, slope], [2 * colour + 1, CENTRE, -slope]], true)
  }
  return Object.fromEntries(names.map((name, i) => [name, { weight: tensor('f32', stack[name]!.weight.dims, copies[i]!.weight), bias: tensor('f32', stack[name]!.bias!.dims, copies[i]!.bias) }]))
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
