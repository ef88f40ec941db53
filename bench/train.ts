import { parameterCount, openStepper } from '@latent/graph'
import type { Training } from '@latent/graph'
import { availableParallelism } from 'node:os'
import { parseArgs } from 'node:util'
import { fill, trainingA, trainingB, trainingC, trainingD } from './networks.ts'
import { inTurns, openPeer, timed } from './peer.ts'
import type { Measure } from './peer.ts'
import { openProfile } from './profile.ts'

const PROBLEMS: Record<
  string,
  { readonly title: string; readonly training: Training<never, never>; readonly steps: number }
> = {
  a: { title: 'five 3x3 layers, 32 channels, 8x64x64', training: trainingA as never, steps: 6 },
  b: { title: 'FlowCrypt block, hidden 32, 8x64x32 halves', training: trainingB as never, steps: 6 },
  c: { title: 'Encipher GAN generator, 4x64x64', training: trainingC as never, steps: 4 },
  d: { title: 'ResNet-20, 64 CIFAR images', training: trainingD as never, steps: 4 },
}

/**
 * Whole training steps (loss, gradients, optimiser) beside PyTorch's. Options: names of problems, --rounds, --threads,
 * --measure cpu (processor time on one thread), --profile (shares of each operator, instead).
 */
export default async function run(options: readonly string[]): Promise<void> {
  const { values, positionals } = parseArgs({
    args: [...options],
    allowPositionals: true,
    options: {
      rounds: { type: 'string', default: '9' },
      threads: { type: 'string' },
      measure: { type: 'string', default: 'wall' },
      profile: { type: 'boolean', default: false },
    },
  })
  const measure = values.measure as Measure
  const threads = measure === 'cpu' ? 1 : Number(values.threads ?? availableParallelism())
  const names = positionals.length > 0 ? positionals : Object.keys(PROBLEMS)
  for (const name of names) {
    const { title, training, steps } = PROBLEMS[name]!
    const profile = values.profile ? openProfile() : undefined
    const [started, cpu] = [performance.now(), process.cpuUsage()]
    const stepper = await openStepper(training, 1, {
      threads,
      ...(profile === undefined ? {} : { profile: profile.prefix }),
    })
    const opened = performance.now() - started
    const { user, system } = process.cpuUsage(cpu)
    const batch = fill(training.batch)
    const rates = training.phases.map(() => 1e-3)
    let loss = Number.NaN
    const ours = async (count: number) => {
      const times: number[] = []
      for (let i = 0; i < count; i++) {
        times.push(await timed(measure, async () => (loss = Object.values(await stepper.advance(batch, rates))[0]!)))
      }
      return times
    }
    await ours(3)
    const facts =
      `${parameterCount(training.networks)} parameters, cold start ${(opened / 1000).toFixed(2)} s ` +
      `(processor ${((user + system) / 1e6).toFixed(2)} s), loss ${loss.toPrecision(4)}`
    if (profile) {
      await ours(steps)
      await stepper.close()
      console.log(`train ${name}  ${title}: ${profile.shares()}`)
      continue
    }
    const peer = openPeer('peers/train.py')
    if (!peer) {
      const times = (await ours(20)).toSorted((a, b) => a - b)
      console.log(`train ${name}  ${title}: ${facts}; ${times[10]!.toFixed(1)} ms; no PyTorch here to compare with`)
    } else {
      await peer.ask({ open: name, threads })
      await peer.ask({ steps: 3 })
      const {
        ours: a,
        theirs: b,
        ratio,
        spread,
      } = await inTurns(
        Number(values.rounds),
        () => ours(steps),
        async () => [(await peer.ask({ steps }))[measure]!],
      )
      peer.close()
      console.log(
        `train ${name}  ${title}: ${facts}; ours ${a.toFixed(1)} ms, PyTorch ${b.toFixed(1)} ms, ` +
          `rounds ${spread[0].toFixed(2)} to ${spread[1].toFixed(2)}, ratio ${ratio.toFixed(2)}`,
      )
    }
    await stepper.close()
  }
  console.log(
    `${measure === 'cpu' ? 'processor time on one thread' : `wall time on ${threads} threads`}; peak memory of ` +
      `this process ${(process.resourceUsage().maxRSS / 1e6).toFixed(2)} GB`,
  )
}
