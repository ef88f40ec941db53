import { drawPicture } from '@latent/data'
import { adam, cosineRate, layers, losses, ops, shape, stepStream, tensor, type Training } from '@latent/graph'
import { train } from '@latent/graph/train'

// node recipe.ts FOLDER: a small network learns to take noise off drawn pictures. Killed, it goes on from its
// checkpoint.
const [folder = 'runs/example', SIDE, BATCH, STEPS, SEED] = [process.argv[2], 16, 8, 60, 1] as const
const street = await drawPicture('street', 160, 120)
const networks = { cleaner: { first: layers.conv2dParameters(1, 8), last: layers.conv2dParameters(8, 1) } }

const training: Training<typeof networks> = {
  networks,
  batch: { clean: shape([BATCH, 1, SIDE, SIDE]), noisy: shape([BATCH, 1, SIDE, SIDE]) },
  phases: [
    {
      name: 'mse',
      trains: ['cleaner'],
      optimiser: adam(),
      loss({ networks: { cleaner }, batch }) {
        const found = layers.conv2d(cleaner.last, ops.leakyRelu(layers.conv2d(cleaner.first, batch['noisy']!)))
        return { loss: losses.mse(found, batch['clean']!) }
      },
    },
  ],
}

// A batch follows from seed and step alone, so that a run that went on gives what an unbroken one gives.
async function data(step: number) {
  const stream = await stepStream(SEED, step, 'crops')
  const [clean, noisy] = [new Float32Array(BATCH * SIDE * SIDE), new Float32Array(BATCH * SIDE * SIDE)]
  const places = await stream.uniforms(2 * BATCH)
  const noise = await stream.uniforms(clean.length)
  for (let i = 0; i < clean.length; i++) {
    const [image, y, x] = [Math.floor(i / SIDE ** 2), Math.floor(i / SIDE) % SIDE, i % SIDE]
    const [top, left] = [
      Math.floor(places[2 * image]! * (120 - SIDE)),
      Math.floor(places[2 * image + 1]! * (160 - SIDE)),
    ]
    clean[i] = street.data[((top + y) * 160 + left + x) * 3]! / 255
    noisy[i] = clean[i]! + 0.4 * (noise[i]! - 0.5)
  }
  const dims = [BATCH, 1, SIDE, SIDE]
  return { clean: tensor('f32', dims, clean), noisy: tensor('f32', dims, noisy) }
}

const { log } = await train(training, {
  name: 'example',
  steps: STEPS,
  seed: SEED,
  rates: [cosineRate(1e-2)],
  data,
  batchSize: BATCH,
  folder,
  resume: true,
  logEvery: 10,
})
process.stdout.write(
  `mean squared error: ${log[0]!['mse']!.toFixed(4)} over the first steps, ${log.at(-1)!['mse']!.toFixed(4)} ` +
    `over the last of ${STEPS}; weights in ${folder}\n`,
)
