import { LatentError } from '@latent/core'
import {
  type DenseNetworks,
  denseResnetModel,
  DESCRIPTIONS,
  openNetworks,
  STRUCTURED,
  structuredStart,
  WIDTHS,
} from '@latent/schemes/dense-resnet'
import { leaves, type Tensor } from '@latent/graph'
import type { Model } from '@latent/schemes/models'
import type { NamedImage, Study, StudyContext } from '../study.ts'
import { roundTrips, type Trips } from './measure.ts'
import { CHAIN, PAPER, SBOX } from './ciphers.ts'
import { trails } from './damage.ts'
import { constantDifference, peeling } from './peeling.ts'
import { gallery, quality } from './quality.ts'
import { choices, repaired, secrets } from './reconstruction.ts'
import { diffusions, keySection, whole } from './spread.ts'

/** The page of `latent lab study dense-resnet-2024`. */
export const study: Study = {
  id: 'dense-resnet-2024',
  title: 'Dense-ResNet with bit-XOR diffusion',
  async run(context) {
    const networks = openNetworks(await denseResnetModel())
    const published = await openPublished()
    try {
      const source = context.quick ? 'procedural:2' : 'bsds500/val@256'
      const pictures = await context.images(source)
      const trips = await roundTrips(networks, pictures, SBOX, context.seed, done =>
        context.progress(done, pictures.length, 'round trips'),
      )
      const drawings = await context.images(context.quick ? 'procedural:1' : 'procedural:8')
      const drawnTrips = await roundTrips(networks, drawings, SBOX, context.seed, done =>
        context.progress(done, drawings.length, 'round trips of drawings'),
      )
      const few = pictures.slice(0, context.quick ? 1 : 25)
      const structuredTrips = await tripsOf('trained from a start', few, context, () =>
        denseResnetModel(undefined, 'paper', DESCRIPTIONS[STRUCTURED.id].weights?.id),
      )
      const startTrips = await tripsOf('before training', few, context, () => startOf(context))
      const publishedTrips =
        published &&
        (await roundTrips(published, few, CHAIN, context.seed, done =>
          context.progress(done, few.length, 'round trips with instance norm'),
        ))
      return {
        title: 'Dense-ResNet with bit-XOR diffusion: the page of truth',
        lead: 'gallery',
        intro: [
          `${PAPER.citation}. "Color image encryption based on lite dense-ResNet and bit-XOR ` +
            'diffusion." An encryption network makes an intermediate cipher image, an XOR diffusion ' +
            'under a key makes the final one; a decryption network, trained with the first, goes back.',
          'Only the abstract, the headings and the references were open to us. What follows is ' +
            'therefore our reconstruction, and every choice is marked as ours.',
        ],
        sections: [
          choices(networks, publishedTrips),
          secrets(),
          quality(source, {
            learned: trips,
            drawn: drawnTrips,
            structured: structuredTrips,
            start: startTrips,
            published: publishedTrips,
          }),
          await gallery(networks),
          await diffusions(context),
          await whole(networks, pictures, context),
          await constantDifference(networks),
          await peeling(networks),
          await trails(networks, context),
          await keySection(networks, context),
          repaired(),
          {
            heading: 'Again',
            text: [
              '`latent train dense-resnet-learned --profile paper` trains the networks (own variant) from random ' +
                'weights, `latent train dense-resnet --profile paper` from the structured start, `latent train ' +
                'dense-resnet-published --profile paper` the variant with instance norm; `latent model add` turns ' +
                'a run into weights. `latent lab evaluate -s ' +
                'dense-resnet-2024 dense-resnet-2024-repaired -d bsds500/val@256 -o FOLDER` measures ' +
                'the ciphers beside the controls.',
            ],
          },
        ],
      }
    } finally {
      await networks.close()
      await published?.close()
    }
  },
}

/** Round trips of networks that are opened for them alone. */
async function tripsOf(
  name: string,
  pictures: readonly NamedImage[],
  { seed, progress }: StudyContext,
  model: () => Promise<Model>,
): Promise<Trips> {
  const networks = openNetworks(await model())
  try {
    return await roundTrips(networks, pictures, SBOX, seed, done =>
      progress(done, pictures.length, `round trips, ${name}`),
    )
  } finally {
    await networks.close()
  }
}

/** The structured start as training finds it, its scales measured on the training pictures. */
async function startOf({ images, quick }: StudyContext): Promise<Model> {
  const training = await images(quick ? 'procedural:4' : 'bsds500/train')
  const weights = await structuredStart(
    WIDTHS.paper,
    training.map(({ image }) => image),
    1,
  )
  return {
    id: 'start',
    scheme: 'dense-resnet-2024',
    profile: 'paper',
    sha256: '',
    tensors: Object.fromEntries(leaves<Tensor<'f32'>>(weights)),
  }
}

/** The variant with instance norm, where its weights are at hand. */
async function openPublished(): Promise<DenseNetworks | undefined> {
  try {
    return openNetworks(await denseResnetModel(undefined, 'published'))
  } catch (error) {
    if (error instanceof LatentError && error.code === 'E_WEIGHTS') return undefined
    throw error
  }
}
