import { compile, initialise, parameterCount, shape } from '@latent/graph'
import type { Compiled, Expr, Parameter, Tensor, Tree } from '@latent/graph'
import {
  decryptNetwork,
  encryptNetwork,
  networkParameters as denseParameters,
  WIDTHS,
} from '@latent/schemes/dense-resnet'
import { generate, generatorParameters } from '@latent/schemes/encipher-gan'
import { decode, encode, type Variant, networkParameters as maskParameters } from '@latent/schemes/mask-autoencoder'
import { availableParallelism, loadavg } from 'node:os'
import { parseArgs } from 'node:util'
import { fill } from './networks.ts'
import { inTurns, openPeer, timed } from './peer.ts'
import type { Measure } from './peer.ts'

/**
 * One network as both sides run it on one picture: its name at the peer, its parameters, and the dimensions of its
 * input.
 */
interface Contest {
  readonly title: string
  readonly peer: string
  readonly parameters: Tree<Parameter>
  readonly input: readonly number[]
  readonly apply: (p: never, x: Expr) => Expr
}

/** Sides of the masked auto-encoder's tiles with a link. */
const TILE = 32

function contests(size: number): Contest[] {
  const picture = [1, 3, size, size]
  const dense = (variant: 'own' | 'published', decrypts: boolean): Contest => ({
    title: `Dense-ResNet, ${variant} variant, ${decrypts ? 'decryption' : 'encryption'}`,
    peer: `dense-resnet ${variant} ${decrypts ? 'decrypts' : 'encrypts'}`,
    parameters: denseParameters(variant, WIDTHS.paper),
    input: picture,
    apply: (p, x) => (decrypts ? decryptNetwork(variant, p, x) : encryptNetwork(variant, p, x)),
  })
  const gan = (variant: 'instance' | 'frozen'): Contest => ({
    title: `Encipher GAN, ${variant}, one way (both are alike)`,
    peer: `encipher-gan ${variant}`,
    parameters: generatorParameters('paper', variant),
    input: picture,
    apply: (p, x) => generate(p, x, variant),
  })
  const mask = (variant: Variant, part: 'encoder' | 'decoder'): Contest => {
    const [count, side] = variant === 'link' ? [(size / TILE) ** 2, TILE] : [1, size]
    return {
      title: `masked auto-encoder, ${variant}, ${part}`,
      peer: `mask-autoencoder ${variant} ${part}`,
      parameters: maskParameters(variant, 'cifar', 'compact')[part],
      input: part === 'encoder' ? [count, 3, side, side] : [count, 16, side / 4, side / 4],
      apply: (p, x) => (part === 'encoder' ? encode(variant, p, x) : decode(variant, p, x)),
    }
  }
  return [
    gan('instance'),
    gan('frozen'),
    dense('own', false),
    dense('own', true),
    dense('published', false),
    ...(['conv', 'link', 'repaired'] as const).flatMap(variant => [mask(variant, 'encoder'), mask(variant, 'decoder')]),
  ]
}

/**
 * The networks of the learned schemes on one picture beside the same networks in PyTorch: encryption and
 * decryption of 256 x 256 pixels, without what surrounds them (key streams, diffusion, PNG). FlowCrypt
 * is in `npm run bench -- flowcrypt`. Options: a part of a title, --size, --rounds, --threads, --measure cpu.
 */
export default async function run(options: readonly string[]): Promise<void> {
  const { values, positionals } = parseArgs({
    args: [...options],
    allowPositionals: true,
    options: {
      size: { type: 'string', default: '256' },
      rounds: { type: 'string', default: '5' },
      threads: { type: 'string' },
      measure: { type: 'string', default: 'wall' },
    },
  })
  const size = Number(values.size)
  const measure = values.measure as Measure
  const threads = measure === 'cpu' ? 1 : Number(values.threads ?? availableParallelism())
  console.log(
    `one ${size}x${size} picture, ` +
      `${measure === 'cpu' ? 'processor time on one thread' : `by the clock on ${threads} threads`}, ` +
      `load ${loadavg()[0]!.toFixed(1)}`,
  )
  for (const contest of contests(size)) {
    if (positionals.every(word => contest.title.toLowerCase().includes(word.toLowerCase())))
      await hold(contest, { size, measure, threads, rounds: Number(values.rounds) })
  }
}

async function hold(
  { title, peer: network, parameters, input, apply }: Contest,
  { size, measure, threads, rounds }: { size: number; measure: Measure; threads: number; rounds: number },
): Promise<void> {
  const dims = shape(input)
  const compiled: Compiled = await compile(
    ({ p, x }: { p: Expr; x: Expr }) => apply(p as never, x),
    { p: (await initialise(parameters, 1)) as unknown as Tensor, x: dims } as never,
    { threads },
  )
  const { x } = fill({ x: dims })
  const ours = async (count: number) => {
    const times: number[] = []
    for (let i = 0; i < count; i++) times.push(await timed(measure, () => compiled.run({ x: x! })))
    return times
  }
  await ours(3)
  const peer = openPeer('peers/infer.py')
  const name = `${title}, ${parameterCount(parameters)} parameters`
  if (!peer) {
    console.log(
      `${name}: ${(await ours(9)).toSorted((a, b) => a - b)[4]!.toFixed(1)} ms; no PyTorch here to compare with`,
    )
  } else {
    const { parameters: theirs } = await peer.ask({ network, size, threads })
    if (theirs !== parameterCount(parameters))
      throw new Error(`${title}: PyTorch's network has ${theirs} parameters, ours ${parameterCount(parameters)}`)
    await peer.ask({ runs: 3 })
    const result = await inTurns(
      rounds,
      () => ours(5),
      async () => [(await peer.ask({ runs: 5 }))[measure]!],
    )
    peer.close()
    console.log(
      `${name}: ours ${result.ours.toFixed(1)} ms, PyTorch ${result.theirs.toFixed(1)} ms, ` +
        `ratio ${result.ratio.toFixed(2)} (rounds ${result.spread[0].toFixed(2)} ` +
        `to ${result.spread[1].toFixed(2)})`,
    )
  }
  await compiled.close()
}
