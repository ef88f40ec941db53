import { compile, initialise, shape } from '@latent/graph'
import type { Backend } from '@latent/graph'
import { availableParallelism } from 'node:os'
import { parseArgs } from 'node:util'
import { fill, generator, generatorParameters } from './networks.ts'
import { inTurns, openPeer, timed } from './peer.ts'
import type { Measure } from './peer.ts'
import { openProfile } from './profile.ts'

/**
 * The Encipher GAN generator on one image beside PyTorch's. Options: --size, --rounds, --threads, --measure cpu,
 * --backend, --profile.
 */
export default async function run(options: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...options],
    options: {
      size: { type: 'string', default: '256' },
      rounds: { type: 'string', default: '9' },
      threads: { type: 'string' },
      measure: { type: 'string', default: 'wall' },
      backend: { type: 'string' },
      profile: { type: 'boolean', default: false },
    },
  })
  const size = Number(values.size)
  const measure = values.measure as Measure
  const threads = measure === 'cpu' ? 1 : Number(values.threads ?? availableParallelism())
  const weights = await initialise(generatorParameters, 1)
  const image = shape([1, 3, size, size])
  const profile = values.profile ? openProfile() : undefined
  const started = performance.now()
  const compiled = await compile(
    ({ p, x }) => generator(p as never, x),
    { p: weights, x: image },
    {
      threads,
      ...(values.backend === undefined ? {} : { backend: values.backend as Backend }),
      ...(profile === undefined ? {} : { profile: profile.prefix }),
    },
  )
  const opened = performance.now() - started
  const { x } = fill({ x: image })
  const ours = async (count: number) => {
    const times: number[] = []
    for (let i = 0; i < count; i++) {
      times.push(await timed(measure, () => compiled.run({ x: x! })))
    }
    return times
  }
  await ours(3)
  if (profile) {
    await compiled.close()
    console.log(`infer c: ${profile.shares()}`)
    return
  }
  const title =
    `infer c  Encipher GAN generator, one ${size}x${size} image, ${compiled.backend}, ` +
    `${measure === 'cpu' ? 'processor time on one thread' : `wall time on ${threads} threads`}, ` +
    `cold start ${(opened / 1000).toFixed(2)} s`
  const peer = openPeer('peers/infer.py')
  if (!peer) {
    const times = (await ours(20)).toSorted((a, b) => a - b)
    console.log(`${title}: ${times[10]!.toFixed(1)} ms; no PyTorch here to compare with`)
  } else {
    await peer.ask({ size, threads })
    await peer.ask({ runs: 3 })
    const {
      ours: a,
      theirs: b,
      ratio,
      spread,
    } = await inTurns(
      Number(values.rounds),
      () => ours(5),
      async () => [(await peer.ask({ runs: 5 }))[measure]!],
    )
    peer.close()
    console.log(
      `${title}: ours ${a.toFixed(1)} ms, PyTorch ${b.toFixed(1)} ms, rounds ${spread[0].toFixed(2)} ` +
        `to ${spread[1].toFixed(2)}, ratio ${ratio.toFixed(2)}`,
    )
  }
  await compiled.close()
}
