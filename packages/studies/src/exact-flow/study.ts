import { type Image, type ImageCipher, LatentError } from '@latent/core'
import { openScheme } from '@latent/schemes'
import {
  constantWeights,
  exactFlowCipher,
  type ExactFlowOptions,
  networkCost,
  openExactFlow,
  secondWeights,
  TILE_BYTES,
  trainedWeights,
  type Weights,
} from '@latent/schemes/exact-flow'
import { initialNetworks, quantise } from '@latent/schemes/exact-flow/straight-through'
import { drawPicture } from '@latent/data'
import { histogram, requireControls } from '@latent/lab'
import { chart } from '../charts.ts'
import { findings, type Measured, MEASURED_TESTS, type MeasuredTest, measureGroup, type Tally } from './measure.ts'
import { contactSheet } from '../pictures.ts'
import { repeatable } from '../repeatable.ts'
import { AGAIN } from '../scoring.ts'
import type { Study, StudyContext, StudyFigure, StudySection, StudyTable } from '../study.ts'

const SIDE = 256
const SHOWN_SIDE = 96

interface Variant {
  readonly name: string
  /** Rows that differ in one thing stand together: what is left of the cipher. */
  readonly left: 'whole' | 'streams' | 'network' | 'fixed map' | 'control'
  readonly open: () => Promise<{ cipher: ImageCipher; close: () => Promise<void> }>
}

const flow = (
  name: string,
  left: Variant['left'],
  weights: () => Promise<Weights>,
  ablation?: NonNullable<ExactFlowOptions['ablation']>,
): Variant => ({
  name,
  left,
  async open() {
    const opened = await openExactFlow({ weights: await weights(), ...(ablation ? { ablation } : {}) })
    return { cipher: exactFlowCipher(opened), close: () => opened.close() }
  },
})

const [BEFORE, DRAWN, AFTER, SECOND] = [
  'network only, constant weights',
  'network only, as drawn before the first step',
  'network only, trained',
  'network only, second generation',
] as const
const VARIANTS: readonly Variant[] = [
  flow('whole cipher, constant weights', 'whole', constantWeights),
  flow('whole cipher, trained weights', 'whole', trainedWeights),
  flow('whole cipher, second generation', 'whole', secondWeights),
  flow('key streams only (t = 0)', 'streams', constantWeights, 'stream-only'),
  flow(BEFORE, 'network', constantWeights, 'network-only'),
  flow(DRAWN, 'network', async () => quantise(await initialNetworks(1)), 'network-only'),
  flow(AFTER, 'network', trainedWeights, 'network-only'),
  flow(SECOND, 'network', secondWeights, 'network-only'),
  flow('network only, map of the key alone, constant weights', 'fixed map', constantWeights, 'network-fixed-map'),
  flow('network only, map of the key alone, trained', 'fixed map', trainedWeights, 'network-fixed-map'),
  flow('network only, map of the key alone, second generation', 'fixed map', secondWeights, 'network-fixed-map'),
  { name: 'control: AES-256-CTR, a fresh nonce each time', left: 'control', open: () => openScheme('aes-256-ctr') },
  { name: 'control: identity', left: 'control', open: () => openScheme('identity') },
]

interface Group {
  readonly name: string
  readonly pictures: readonly Image<'u8'>[]
}

/** The page of `latent lab study exact-flow`. */
export const study: Study = {
  id: 'exact-flow',
  title: 'Exact flow',
  async run(context) {
    const groups = await pictureGroups(context)
    const results = await measureAll(context, groups)
    requireControls(deviations(results, groups), 'study', AGAIN)
    return {
      title: 'Exact flow: what the networks do, and what the proof rests on',
      intro: [
        'The exact flow is our own cipher. Its plan (a random split by the key, coupling blocks ' +
          'whose sub-networks see a secret map, one set of parameters for both directions) is that of ' +
          'FlowCrypt (Yang, Ping, Xu, [arXiv 2509.18696](https://arxiv.org/abs/2509.18696)); that it ' +
          'is exact, gives the same bytes on every machine and has a proof is ours, and so are all ' +
          'numbers here.',
        'Secret: one key of 32 bytes. Public: the form of the networks, their weights, the nonce. ' +
          'What breaks it: nothing known beyond what it does not promise. By itself it is ' +
          'deterministic (equal tiles at the same place under one key and nonce give equal ciphers) ' +
          'and authenticates nothing; sealed files add both, and pixel mode draws a nonce and lets a code travel.',
      ],
      sections: [
        await figuresBeforeAfter(),
        ...groups.map(group => tableSection(group, results)),
        await partsSection(results, groups),
        await weightsSection(results, groups),
      ],
    }
  },
}

async function pictureGroups({ images, quick }: StudyContext): Promise<Group[]> {
  const flat = (name: string, colour: readonly number[]): Group => ({
    name,
    pictures: [
      {
        width: SIDE,
        height: SIDE,
        channels: 3,
        format: 'u8',
        data: Uint8Array.from({ length: SIDE * SIDE * 3 }, (_, i) => colour[i % 3]!),
      },
    ],
  })
  const drawn = await Promise.all(
    (['landscape', 'street', 'marble', 'dunes'] as const).map(kind => drawPicture(kind, SIDE, SIDE)),
  )
  const groups = [
    flat('a black picture', [0, 0, 0]),
    flat('a flat picture (200, 120, 40)', [200, 120, 40]),
    { name: 'four drawn pictures', pictures: drawn },
  ]
  try {
    const photos = await images('bsds500/val@256', quick ? 2 : 20)
    return [
      ...groups,
      { name: `${photos.length} photographs of BSDS500 val, centres`, pictures: photos.map(({ image }) => image) },
    ]
  } catch (error) {
    // The page is whole without the data set, but for its last table.
    if (error instanceof LatentError && error.code === 'E_DATA') return groups
    throw error
  }
}

type Results = ReadonlyMap<string, ReadonlyMap<string, Measured>>

async function measureAll({ seed, quick, progress }: StudyContext, groups: readonly Group[]): Promise<Results> {
  const samples = quick ? 4 : 20
  const total = VARIANTS.length * groups.length * samples
  let done = 0
  const results = new Map<string, Map<string, Measured>>()
  for (const { name, open } of VARIANTS) {
    const { cipher: drawing, close } = await open()
    const cipher = repeatable(drawing, seed)
    const byGroup = new Map<string, Measured>()
    for (const group of groups)
      byGroup.set(
        group.name,
        await measureGroup(cipher, group.pictures, samples, seed, () => progress(++done, total, 'ciphers')),
      )
    results.set(name, byGroup)
    await close()
  }
  return results
}

const of = (results: Results, variant: string, group: Group): Measured => results.get(variant)!.get(group.name)!

/** Of the controls, on every group of pictures. */
function deviations(results: Results, groups: readonly Group[]): string[] {
  return groups.flatMap(group => {
    const [aes, identity] = VARIANTS.filter(({ left }) => left === 'control').map(({ name }) =>
      findings(of(results, name, group)),
    )
    return aes!.length === 0 && identity!.length === MEASURED_TESTS.length
      ? []
      : [
          `on ${group.name} the tests found ${aes!.join(', ') || 'nothing'} in AES-256-CTR and ` +
            `${identity!.length} of ${MEASURED_TESTS.length} weaknesses in the identity`,
        ]
  })
}

const percent = (value: number): string => `${(100 * value).toFixed(2)} %`
const cell = ({ mean, inside }: Tally, samples: number, format: (value: number) => string): string =>
  `${format(mean)} (${inside}/${samples})`

function tableSection(group: Group, results: Results): StudySection {
  const rows = VARIANTS.map(({ name }) => {
    const { samples, exact, tests } = of(results, name, group)
    const found = findings(of(results, name, group))
    return [
      name,
      exact ? 'yes' : 'NO',
      cell(tests['chi-square'], samples, value => (value < 1e4 ? value.toFixed(0) : value.toExponential(1))),
      cell(tests.entropy, samples, value => value.toFixed(4)),
      cell(tests.correlation, samples, value => value.toFixed(4)),
      cell(tests['pixel NPCR'], samples, percent),
      cell(tests['pixel UACI'], samples, percent),
      cell(tests['key NPCR'], samples, percent),
      cell(tests['key UACI'], samples, percent),
      found.length === 0 ? 'nothing' : found.join(', '),
    ]
  })
  const table: StudyTable = {
    columns: [
      'what is left of the cipher',
      'exact',
      'chi-square',
      'entropy',
      'neighbours, mean abs. r',
      'one sample + 1: NPCR',
      'UACI',
      'one key bit: NPCR',
      'UACI',
      'found',
    ],
    rows,
  }
  const { samples } = of(results, AFTER, group)
  return {
    heading: `Ablation on ${group.name}`,
    text: [
      `${SIDE} x ${SIDE} pixels, ${samples} keys. Means; in brackets how many of ${samples} lie in ` +
        'the band of 95 % for random bytes (chi-square and entropy two-sided, ideal 255 and ' +
        `${(8 - 255 / (2 * SIDE * SIDE * 3 * Math.LN2)).toFixed(4)}; NPCR 99.61 %, UACI 33.46 %, both ` +
        'two-sided). *Found* names what left its band more often than chance does once in a thousand ' +
        'times.',
    ],
    tables: [table],
  }
}

async function figuresBeforeAfter(): Promise<StudySection> {
  const black = {
    width: SHOWN_SIDE,
    height: SHOWN_SIDE,
    channels: 3,
    format: 'u8',
    data: new Uint8Array(SHOWN_SIDE * SHOWN_SIDE * 3),
  } as const
  const flat = { ...black, data: Uint8Array.from(black.data, (_, i) => [200, 120, 40][i % 3]!) }
  const shown = (kind: 'landscape' | 'lettering') => drawPicture(kind, SHOWN_SIDE, SHOWN_SIDE)
  const pictures: Image<'u8'>[] = [black, flat, await shown('landscape'), await shown('lettering')]
  const rows: Image<'u8'>[] = [...pictures]
  const points: { x: number; y: number; series: string }[] = []
  for (const [name, series] of [
    [BEFORE, 'constant weights'],
    [AFTER, 'trained'],
    [SECOND, 'second generation'],
  ] as const) {
    const { cipher, close } = await VARIANTS.find(variant => variant.name === name)!.open()
    for (const [i, picture] of pictures.entries()) {
      const encrypted = (await cipher.encrypt(picture, new Uint8Array(32))) as Image<'u8'>
      rows.push(encrypted)
      if (i === 0)
        histogram(encrypted.data).forEach((count, x) =>
          points.push({ x, y: (256 * count) / encrypted.data.length, series }),
        )
    }
    await close()
  }
  const figures: StudyFigure[] = [
    {
      name: 'network-only',
      caption:
        'Plain pictures drawn by Latent (black, flat, landscape, lettering); what the networks make ' +
        'of them without any whitening, with the constant weights; with the trained ones; and with ' +
        'the second generation.',
      image: contactSheet(rows, pictures.length),
    },
    {
      name: 'histogram-black',
      caption:
        'Histogram of the black picture, encrypted by the networks alone: how often each byte value ' +
        'occurs, 1 being its fair share.',
      svg: await chart(points, {
        title: 'Network only, a black picture',
        x: 'byte value',
        y: 'times its fair share',
        mark: 'line',
        width: 620,
        rangeX: [0, 255],
      }),
    },
  ]
  return {
    heading: 'The networks alone, before and after training',
    text: [
      'In each round the cipher adds two things to half of a tile: the output of a small integer ' +
        'network that sees the other half and a secret map, and a key stream (the *whitening*) that is ' +
        'drawn anew for every content of the other half. These pictures leave the whitening out.',
    ],
    figures,
  }
}

async function partsSection(results: Results, groups: readonly Group[]): Promise<StudySection> {
  const worst = (left: Variant['left'], name = '') => {
    const found = new Set(
      VARIANTS.filter(variant => variant.left === left && variant.name.includes(name)).flatMap(variant =>
        groups.flatMap(group => findings(of(results, variant.name, group))),
      ),
    )
    return found.size === 0 ? 'nothing' : [...found].join(', ')
  }
  const exact = VARIANTS.every(({ name }) => groups.every(group => of(results, name, group).exact))
  const cost = (weights: Weights) => {
    const { parameters, macs } = networkCost(weights)({ width: SIDE, height: SIDE, channels: 3 })
    return `${parameters.toLocaleString('en')} parameters and ${(macs / SIDE ** 2).toLocaleString('en')} MAC a pixel`
  }
  const spread = groups.map(
    group => of(results, 'network only, map of the key alone, trained', group).tests['pixel NPCR'].mean,
  )
  return {
    heading: 'What the proof rests on, and what the networks add',
    text: [
      '**The proof.** The whitening is a fresh pseudo-random string for every distinct content of ' +
        'the other half, if HMAC-SHA-256 and AES-256-CTR are pseudo-random functions. So what is added ' +
        'to a half is a pseudo-random function of the other half *whatever the network computes*, and ' +
        'four alternating rounds of such functions are a strong pseudo-random permutation (Luby and ' +
        'Rackoff 1988; the advantage after q tiles is about q^2 / 2^(8 bytes of half a tile)). The row ' +
        `"key streams only" has the same proof without any network. Found in it: ${worst('streams')}. ` +
        `Found in the whole cipher: ${worst('whole')}. This page has ` +
        `${VARIANTS.length * groups.length * MEASURED_TESTS.length} tests, each of which finds something where there ` +
        'is nothing up to once in a thousand times; what is found once is looked for again under other keys.',
      '**What the networks do not add.** They add no security that anyone can prove, and the proof ' +
        'gives them no credit; a reader who trusts AES and HMAC loses nothing by leaving them out, and ' +
        'one who does not should not trust this cipher. They also add no diffusion over the tile: that ' +
        'one changed sample changes everything comes from the HMAC over the other half, through the ' +
        'whitening and through the secret map. With a map of the key alone, one changed sample alters ' +
        `${percent(Math.min(...spread))} to ${percent(Math.max(...spread))} of the bytes: as far as ` +
        'four networks of three 3 x 3 convolutions reach; those of the second generation stay in their blocks.',
      '**What they do.** On their own they scramble, well or badly. With the constant weights a ' +
        `picture shows through, and the tests found ${worst('network', 'constant')}. With the trained ` +
        'weights nothing is to be seen, and over all groups of pictures the tests found ' +
        `${worst('network', 'trained')}. That is a second line whose strength is unknown: it has no ` +
        'proof, and statistics cannot tell a good cipher from a bad one.',
      '**Exactness.** ' +
        `${exact ? 'Every picture of every row came back bit for bit' : 'NOT every picture came back bit for bit'}: ` +
        'the inverse runs the same integers backwards, with or without whitening and whatever the ' +
        'weights.',
      `**Cost.** Four networks of three layers: ${cost(await secondWeights())} in the second generation, ` +
        `${cost(await trainedWeights())} in the others, which are convolutions. Tiles of ` +
        `${TILE_BYTES.toLocaleString('en')} bytes.`,
    ],
  }
}

async function weightsSection(results: Results, groups: readonly Group[]): Promise<StudySection> {
  const range = (variant: string, test: MeasuredTest, format: (value: number) => string) => {
    const means = groups.map(group => of(results, variant, group).tests[test].mean)
    return `${format(Math.min(...means))} to ${format(Math.max(...means))}`
  }
  const count = (value: number) => value.toFixed(0)
  const [constant, trained, second] = [await constantWeights(), await trainedWeights(), await secondWeights()]
  const row = (name: string, { id, networks }: Weights, use: string) => {
    const layers = networks.flat()
    const weights = layers.flatMap(layer => [...layer.weights])
    const rms = Math.sqrt(weights.reduce((sum, weight) => sum + weight * weight, 0) / weights.length)
    return [
      name,
      `\`${id.slice(0, 16)}...\``,
      networks[0]!.map(({ shift }) => shift).join(', '),
      rms.toFixed(1),
      percent(weights.filter(weight => Math.abs(weight) === 63).length / weights.length),
      use,
    ]
  }
  return {
    heading: 'The sets of weights',
    text: [
      'A sealed file names its weights by their SHA-256, so all sets can be read for good. New files are sealed with ' +
        'the second generation (three matrix products over four positions at once, at a sixth of the ' +
        'multiplications), earlier ones with the trained ones. With the whitening off, the mean chi-square of the ' +
        `groups above is ${range(BEFORE, 'chi-square', count)} with the constant weights, ` +
        `${range(AFTER, 'chi-square', count)} with ` +
        `the trained ones and ${range(SECOND, 'chi-square', count)} with the second generation (255 is ideal), and ` +
        `UACI for one changed sample ${range(BEFORE, 'pixel UACI', percent)}, ${range(AFTER, 'pixel UACI', percent)} ` +
        `and ${range(SECOND, 'pixel UACI', percent)} (33.46 % is ideal). ` +
        'Much of that is where the training began: the networks as drawn before the first step, with smaller shifts ' +
        `and one large weight an output, come to ${range(DRAWN, 'chi-square', count)} and ` +
        `${range(DRAWN, 'pixel UACI', percent)}. Pixel mode keeps the constant ones under the name \`exact-flow\`, ` +
        'because the first cipher pictures carried no name of their weights; `exact-flow-trained` and ' +
        '`exact-flow-2` are the same cipher with the others. Under one key file each has keys of its own: the name ' +
        'of the cipher and the hash of its weights enter their derivation, so that the proof, which is of one ' +
        'cipher under one key, holds for each.',
      'Training: the integer networks as they are, rounding and clipping forwards and passing ' +
        'derivatives straight through backwards; the whitening off; for a flat histogram, neighbours ' +
        'that tell nothing of each other, another picture under another map or after one changed byte ' +
        '(`packages/schemes/src/exact-flow/recipe.ts`; card and curve in `models/`).',
    ],
    tables: [
      {
        columns: ['set', 'SHA-256', 'shifts', 'root mean square of a weight', 'weights at a limit', 'used by'],
        rows: [
          row('constant: drawn from a sentence', constant, 'pixel mode; files sealed by earlier versions'),
          row('trained', trained, 'files sealed by earlier versions; exact-flow-trained'),
          row('second generation', second, 'new sealed files; exact-flow-2'),
        ],
      },
    ],
  }
}
