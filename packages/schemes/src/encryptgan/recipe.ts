import { adam, cosineRate, losses, muon, ops, shape, stepStream, tensor } from '@latent/graph'
import type { Expr, Operand, Tensor, Training } from '@latent/graph'
import type { KeyStream } from '@latent/core'
import { discriminate, type Discriminator, discriminatorParameters } from '../encipher-gan/network.ts'
import { clouds, SAND } from '../neural/clouds.ts'
import { planesOf } from '../neural/crops.ts'
import { CHECK, cipherFigures, openFigures, unitWire } from '../neural/pair-validation.ts'
import { openPhotoCrops } from '../neural/photo-crops.ts'
import { OPEN_PHOTOS } from '../neural/photo-terms.ts'
import type { Profile, Recipe } from '../recipe.ts'
import { disguise, encryptGanParameters, keyFeatures, type Networks, PLANES, redraw, uncover } from './network.ts'

const CROPS = { batch: 4, crop: 32 }
const STEPS = 5_000
/** Steps of the key network, which stands still from then on. */
const KEY_STEPS = 300
/** As published: weights in L1 of a message and of a cover that come back. */
const [MESSAGE, CYCLE] = [10, 10]
/**
 * Weight of the noise under a wrong key; 10 is published. A decryption that heeds no key gives one picture for both,
 * and where both count alike nothing draws that picture anywhere.
 */
const WRONG = 7

/**
 * Weight of the adversarial terms; 1 is published. As strong as that, they drove disguises to black and white here, and
 * hardly anything of a message came back.
 */
const ADVERSARIAL = 0.1
/**
 * Between these steps the cover and the judges come to count. Keys are heeded from the first step or not at all: where
 * wrong ones came to count last, a disguise held nothing of its key by then, and nothing of it was learned.
 */
const COVER_COUNTS = [700, 1_700] as const

type Trained<L> = Networks<L> & { readonly disguises: Discriminator<L>; readonly covers: Discriminator<L> }

const judged = (p: Discriminator<Operand>, x: Expr) => discriminate(p, ops.sub(ops.mul(2, x), 1))

/**
 * EncryptGAN's training. Batches `[N, 3, side, side]` in 0..1: `message`, photographs; `cover` and `domain`, pictures
 * of the domain that is disguised and of the one that it is disguised as; `key`, key pictures, of which each one's
 * wrong key is the one before; `noise`; and `covering`, from 0 to 1, how much covers and judges count.
 */
export function encryptGanTraining(profile: Profile, { batch: n, crop: side } = CROPS): Training {
  const dims = shape([n, PLANES, side, side])
  const hidden = (p: Networks<Expr>, batch: Readonly<Record<string, Expr>>) => {
    const features = ops.stopGradient(keyFeatures(p.keys, batch['key']!, side, side))
    const wrong = ops.concat([ops.slice(features, 0, n - 1, n), ops.slice(features, 0, 0, n - 1)], 0)
    return { features, wrong, disguised: disguise(p.encryption, batch['cover']!, batch['message']!, features) }
  }
  return {
    networks: {
      ...encryptGanParameters(profile),
      disguises: discriminatorParameters('compact'),
      covers: discriminatorParameters('compact'),
    },
    batch: { message: dims, cover: dims, domain: dims, key: dims, noise: dims, covering: shape([1]) },
    average: 0.998,
    phases: [
      {
        name: 'keys',
        trains: ['keys'],
        optimiser: adam(),
        loss({ networks, batch }) {
          const { keys } = networks as unknown as Trained<Expr>
          return { loss: losses.l1(redraw(keys, batch['key']!), batch['key']!) }
        },
      },
      {
        name: 'judges',
        trains: ['disguises', 'covers'],
        optimiser: adam({ beta1: 0.5 }),
        loss({ networks, batch }) {
          const p = networks as unknown as Trained<Expr>
          const { disguised, wrong } = hidden(p, batch)
          const { cover } = uncover(p.decryption, unitWire(disguised), batch['noise']!, wrong)
          const against = (judge: Discriminator<Expr>, real: Expr, made: Expr) =>
            losses.lsgan.discriminator(judged(judge, real), judged(judge, ops.stopGradient(made)))
          return {
            loss: ops.add(against(p.disguises, batch['domain']!, disguised), against(p.covers, batch['cover']!, cover)),
          }
        },
      },
      {
        name: 'pair',
        trains: ['encryption', 'decryption'],
        optimiser: muon(),
        clip: 1,
        loss({ networks, batch }) {
          const p = networks as unknown as Trained<Expr>
          const { disguised, features, wrong } = hidden(p, batch)
          const cipher = unitWire(disguised)
          const [right, other] = [features, wrong].map(key => uncover(p.decryption, cipher, batch['noise']!, key))
          const covering = ops.mean(batch['covering']!)
          const terms = {
            message: ops.mul(MESSAGE, losses.l1(right!.message, batch['message']!)),
            wrong: ops.mul(WRONG, losses.l1(other!.message, batch['noise']!)),
            cycle: ops.mul(ops.mul(CYCLE, covering), losses.l1(right!.cover, batch['cover']!)),
            disguise: ops.mul(ops.mul(ADVERSARIAL, covering), losses.lsgan.generator(judged(p.disguises, disguised))),
            cover: ops.mul(ops.mul(ADVERSARIAL, covering), losses.lsgan.generator(judged(p.covers, other!.cover))),
          }
          return { loss: Object.values(terms).reduce((a, b) => ops.add(a, b)), metrics: terms }
        },
      },
    ],
  }
}

/** The recipe of this folder: messages are photographs, everything else is drawn. */
export const encryptGanRecipe: Recipe = {
  id: 'encryptgan',
  title: 'EncryptGAN (Zheng et al. 2019): photographs are hidden in sand, under clouds as keys',
  data: OPEN_PHOTOS,
  published: "the authors' code has 200 epochs of batch 1, at 256 x 256",
  ships: ['keys', 'encryption', 'decryption'],
  async open(context) {
    const { profile, seed, images } = context
    const crops = await openPhotoCrops(context, CROPS)
    const checks = (await images('open-photos', 'val'))
      .map(planesOf)
      .filter(({ width, height }) => Math.min(width, height) >= CHECK.size)
      .slice(0, CHECK.pictures)
    const { keys, encryption, decryption } = encryptGanParameters(profile)
    const drawn = await pictures(await stepStream(seed, 0, 'check'), 1, CHECK.size)
    const other = await pictures(await stepStream(seed, 1, 'check'), 1, CHECK.size)
    const validate = await openFigures(
      { keys, encryption, decryption },
      ({ p, x }: { p: Networks<Expr>; x: Expr }) => {
        const features = (key: Operand) => keyFeatures(p.keys, ops.take(key), CHECK.size, CHECK.size)
        const cipher = unitWire(disguise(p.encryption, ops.take(drawn.cover), x, features(drawn.key)))
        const under = (key: Operand) => uncover(p.decryption, cipher, ops.take(drawn.noise), features(key)).message
        return {
          cipher,
          ...cipherFigures(cipher, unitWire(under(drawn.key)), x),
          wrongKey: losses.mse(unitWire(under(other.key)), x),
        }
      },
      checks,
    )
    return {
      training: encryptGanTraining(profile) as unknown as Training<never, never>,
      rates: [
        (step: number) => (step < KEY_STEPS ? 2e-3 : 0),
        cosineRate(1e-4, { warmup: 100, end: 1e-6 }),
        cosineRate(1e-3, { warmup: 100, end: 1e-5 }),
      ],
      steps: STEPS,
      batchSize: CROPS.batch,
      async data(step) {
        const { plain, stream } = await crops.next(step)
        return {
          message: plain,
          ...(await pictures(stream, CROPS.batch, CROPS.crop)),
          covering: tensor('f32', [1], Float32Array.of(risingWeight(step, ...COVER_COUNTS))),
        }
      },
      scoreName: 'PSNR in dB on photographs that are not trained on, through 8 bits, under the right key',
      validation: {
        every: CHECK.every,
        patience: Number.MAX_SAFE_INTEGER,
        score: async weights => (await validate.measure(weights)).psnr,
      },
      watch: {
        every: CHECK.every,
        measure: async weights =>
          Object.fromEntries(
            Object.entries(await validate.measure(weights)).map(([name, value]) => [`check.${name}`, value]),
          ),
      },
      close: () => validate.close(),
    }
  },
}

/** From 0 at one step to 1 at another. */
export const risingWeight = (step: number, from: number, to: number): number =>
  Math.min(1, Math.max(0, (step - from) / (to - from)))

/** What is drawn for a batch: covers and keys of clouds, sand, and noise. */
async function pictures(
  stream: KeyStream,
  count: number,
  side: number,
): Promise<Record<'cover' | 'key' | 'domain' | 'noise', Tensor<'f32'>>> {
  const dims = [count, PLANES, side, side]
  const drawn = async (octaves?: typeof SAND) => {
    const out = new Float32Array(count * PLANES * side * side)
    for (let i = 0; i < count; i++) out.set(await clouds(stream, PLANES, side, side, octaves), i * PLANES * side * side)
    return tensor('f32', dims, out)
  }
  return {
    cover: await drawn(),
    key: await drawn(),
    domain: await drawn(SAND),
    noise: tensor('f32', dims, Float32Array.from(await stream.uniforms(count * PLANES * side * side))),
  }
}
