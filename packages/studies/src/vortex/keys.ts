import { percent } from '../numbers.ts'
import { deriveKey, KeyStream, LatentError } from '@latent/core'
import {
  COLOUR_SETTINGS,
  drawVortexKey,
  GREY_SETTINGS,
  mapStatistics,
  parseVortexKey,
  type VortexKey,
  vortexMap,
} from '@latent/schemes/vortex'
import { exponentialKernel, gaussianKernel, informationLoss, inverseSquareKernel, mean } from '@latent/lab'
import { chart } from '../charts.ts'
import type { StudyContext, StudySection } from '../study.ts'

/** The key files of the paper's repository, and how many of their vortices are looked at. */
const PUBLISHED = [
  ['cifar', 2],
  ['mnist_result', 10],
  ['mnist_result', 20],
  ['fashion', 10],
  ['fashion', 15],
  ['mnist_sensitivity1', 20],
  ['mnist_sensitivity2', 20],
  ['mnist_sensitivity3', 5],
] as const
const KERNELS = [gaussianKernel(), inverseSquareKernel, exponentialKernel] as const

/** What the keys of the repository do to the pixels of an image. */
export async function publishedKeys({ file }: StudyContext): Promise<StudySection> {
  const rows: (string | number)[][] = []
  for (const [name, count] of PUBLISHED) {
    const whole = parseVortexKey(new TextDecoder().decode(await file(`vortex-keys/${name}.json`)))
    if (whole.vortices.length < count)
      throw new LatentError(
        'E_DATA',
        `vortex-keys/${name}.json holds ${whole.vortices.length} vortices, and ${count} are looked at`,
      )
    const key: VortexKey = { ...whole, vortices: whole.vortices.slice(0, count) }
    const map = vortexMap(key, 'gather')
    const { pixels, unmoved, sources, meanShift } = mapStatistics(map, key.width)
    const real = key.vortices.filter(({ radius }) => radius > 0).length
    const losses = KERNELS.map(kernel => informationLoss(map, key.width, key.height, { kernel }).total.toFixed(3))
    rows.push([
      `\`${name}\``,
      `${count} (${real})`,
      percent(unmoved / pixels),
      `${sources} of ${pixels}`,
      percent(1 - sources / pixels),
      `${meanShift.toFixed(1)} px`,
      ...losses,
    ])
  }
  return {
    heading: 'What the published keys do',
    text: [
      'The first so many vortices of each key file; in brackets those with a radius above 0: the ' +
        'others do nothing, because a radius is bounded by the distance from the border. Unmoved ' +
        'pixels stand where they stood. The rounded gather drops some pixels and doubles others, so ' +
        'that what is destroyed cannot come back under any key. The shift is the mean over pixels that ' +
        'move.',
      `Information loss is our reading of the paper's measure, whose formulas we have not seen: from ` +
        `coordinates alone, with ${KERNELS.map(({ name }) => `\`${name}\``).join(', ')} as the weight of ` +
        'a neighbour at distance d.',
    ],
    tables: [
      {
        columns: [
          'key file',
          'vortices',
          'unmoved',
          'pixels left',
          'destroyed',
          'shift',
          ...KERNELS.map(({ name }) => `loss, ${name}`),
        ],
        rows,
      },
    ],
  }
}

const COUNTS = [1, 2, 5, 10, 20, 50] as const
const VARIANTS = [
  { name: '28 x 28, strength 0.8 (the scripts for MNIST)', side: 28, ...GREY_SETTINGS },
  { name: '32 x 32, strength 0.1 (the script for CIFAR-10)', side: 32, ...COLOUR_SETTINGS },
] as const

/** Drawn keys of growing length: how much they move, destroy and take. */
export async function drawnKeys({ seed, quick }: StudyContext): Promise<StudySection> {
  const keys = quick ? 3 : 40
  const rows: (string | number)[][] = []
  const points: { x: number; y: number; series: string }[] = []
  for (const { name, side, strength } of VARIANTS) {
    for (const count of COUNTS) {
      const drawn = await Promise.all(
        Array.from({ length: keys }, (_, i) => keyOf(seed, `vortex of ${side}, ${i}`, side, { count, strength })),
      )
      const found = drawn.map(key => {
        const map = vortexMap(key, 'gather')
        const whole = mapStatistics(map, side)
        return {
          ...whole,
          idle: key.vortices.filter(({ radius }) => radius <= 0).length / count,
          loss: informationLoss(map, side, side).total,
          bijective: informationLoss(vortexMap(key, 'bijective'), side, side).total,
        }
      })
      const over = (value: (row: (typeof found)[number]) => number) => mean(found.map(value))
      rows.push([
        name,
        count,
        percent(over(({ idle }) => idle)),
        percent(over(({ unmoved, pixels }) => unmoved / pixels)),
        percent(over(({ sources, pixels }) => 1 - sources / pixels)),
        over(({ loss }) => loss).toFixed(3),
        over(({ bijective }) => bijective).toFixed(3),
      ])
      points.push({ x: count, y: over(({ loss }) => loss), series: name })
    }
    const shuffled = await permutation(seed, side)
    const loss = informationLoss(shuffled, side, side).total
    rows.push([
      name,
      'a permutation',
      '',
      percent(mapStatistics(shuffled, side).unmoved / side ** 2),
      percent(0),
      loss.toFixed(3),
      loss.toFixed(3),
    ])
  }
  return {
    heading: 'Vortices of growing number',
    text: [
      `Means over ${keys} drawn keys, and one random permutation for comparison. An idle vortex has ` +
        'no radius. The last column is the same key in our bijective variant, which destroys nothing.',
    ],
    tables: [
      {
        columns: [
          'size and strength',
          'vortices',
          'idle',
          'unmoved',
          'destroyed',
          'information loss',
          'loss, bijective',
        ],
        rows,
      },
    ],
    figures: [
      {
        name: 'loss',
        caption: 'Information loss, from coordinates alone, by number of vortices.',
        svg: await chart(points, {
          title: 'Information loss by number of vortices',
          x: 'vortices',
          y: 'information loss',
          mark: 'line',
          logX: true,
        }),
      },
    ],
  }
}

async function keyOf(
  seed: number,
  use: string,
  side: number,
  settings: { count: number; strength: number },
): Promise<VortexKey> {
  const secret = await deriveKey(new TextEncoder().encode(`${use}, seed ${seed}`), 'latent/v1/lab/study')
  return drawVortexKey(await KeyStream.create(secret, 'latent/v1/lab/study'), { width: side, height: side }, settings)
}

async function permutation(seed: number, side: number): Promise<Uint32Array> {
  const secret = await deriveKey(new TextEncoder().encode(`permutation, seed ${seed}`), 'latent/v1/lab/study')
  return (await KeyStream.create(secret, 'latent/v1/lab/study')).permutation(side * side)
}
