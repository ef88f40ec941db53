import { type Image, type ImageCipher, randomBytes } from '@latent/core'
import { BLOCK, DIMENSIONS, mixing, type Mixing, openKeyed, openNetworks, openPublished, openStructured, type Pair, shippedPairs, START, structuredPair, weightCount } from '@latent/schemes/encipher-gan'
import { baselines } from '@latent/schemes/baselines'
import { fitLinearBlocks } from '../attacks/index.ts'
import { drawPicture } from '../data/procedural.ts'
import { correlationBand, correlationTest, differential, type Direction, disturb, entropyDeviation, expectedEntropy, npcrLimits, quality, sampleErrors, shannonEntropy, uaciLimits } from '../metrics/index.ts'
import { jpegRoundTrip } from '../node/decode.ts'
import { oneSampleChanged } from '../run/measure.ts'
import { chart, type ChartPoint } from './charts.ts'
import { contactSheet } from './pictures.ts'
import type { NamedImage, Study, StudyContext, StudySection } from './study.ts'

const SIDE = 256
const KEY = new Uint8Array(32).fill(1)
const DIRECTIONS = ['horizontal', 'vertical', 'diagonal'] as const satisfies readonly Direction[]

/** Printed in the paper, for the figures and the text; see published/figures.ts. */
const PAPER = { psnr: 39.9703, ssim: 0.9972, entropy: [7.4, 7.36, 7.38], correlation: { horizontal: [0.4812, 0.509, 0.5203], vertical: [0.4584, 0.4538, 0.4147], diagonal: [0.2169, 0.2043, 0.1782] } }
const TARGET = { psnr: 40, ssim: 0.997, entropy: 7.9, correlation: 0.1 }

export const study: Study = {
  id: 'encipher-gan',
  title: 'Encipher GAN: weights as the key',
  async run(context) {
    const opened = [await openPublished(), await openStructured(), openKeyed()]
    const ciphers = opened.map(({ cipher }) => cipher)
    const all = [...ciphers, baselines['aes-256-ctr']!(), baselines['identity']!()]
    const nets = { instance: openNetworks('instance', 'paper'), frozen: openNetworks('frozen', 'paper') }
    try {
      const photos = await context.images('bsds500/val@256', context.quick ? 2 : undefined)
      const drawn = await drawings(context.quick ? 2 : 6)
      return {
        title: study.title,
        intro: [
          'Panwar, Singh, Kukreja, Singh, Shakhovska, Boichuk: *Encipher GAN: An End-to-End Color Image Encryption System Using a Deep Generative Model*, MDPI Systems 2023, 11(1), 36. An encryption network turns a colour picture into a noise-like one, a decryption network turns it back, a discriminator judges the noise. The trained weights are the secret key.',
          'Three ciphers: `encipher-gan-2023` is the published form, trained for a short time; `encipher-gan-2023-structured` is ours, with thresholds in place of norms and a start that is no random one; `encipher-gan-2023-keyed` is ours too: the weights are drawn from a 32-byte key and a nonce and not trained at all. **None of the three is secure**; what breaks each is measured below. To keep a picture secret, seal it (`latent seal`).',
        ],
        sections: [
          facts(),
          await figures(context, all, photos, drawn),
          await tradeOff(context, photos),
          await pictures(ciphers, drawn),
          await weightKeys(context, nets, drawn),
          await differences(context, all, drawn),
          await edges(all, drawn),
          await linearAttack(context, ciphers, drawn, photos),
          nullBands(),
          await damage(ciphers, drawn),
        ],
      }
    } finally {
      await Promise.all([...opened, ...Object.values(nets)].map(one => one.close()))
    }
  },
}

const drawings = async (count: number): Promise<NamedImage[]> =>
  Promise.all((['landscape', 'street', 'lettering', 'marble', 'shapes', 'dunes'] as const).slice(0, count).map(async kind => ({ id: kind, image: await drawPicture(kind, SIDE, SIDE) })))

const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length
const bytes = ({ data }: Image): Uint8Array => data as Uint8Array
const fixed = (value: number, digits: number): string => (Number.isFinite(value) ? value.toFixed(digits) : 'exact')
const percent = (share: number, digits = 2): string => `${(100 * share).toFixed(digits)} %`

function facts(): StudySection {
  const { width, blocks } = DIMENSIONS.paper
  return {
    heading: 'What the paper says, what is our choice, what is repaired',
    text: [
      'The paper was known to us by its headings and tables; its formulas were not. Whatever its tables leave open is our choice.',
      `\`instance\` networks end in a picture whatever they are fed, but instance norm takes the mean and contrast of every channel of every picture away, and with them the picture's brightness: the paper's ${PAPER.psnr} dB could not be reproduced within our training. Without norms and without biases, a network of convolutions and ReLUs is positively homogeneous (twice the input is twice the output, up to the last tanh), so that it cannot undo the tanh that made the cipher. Ours therefore has **thresholds**: one constant for each channel, which is what is left of a batch norm with frozen statistics.`,
      `The structured start writes a linear code into the weights: a cosine transform of ${BLOCK} samples (4x4 pixels, 3 colours), a gain for each of its bands, and a random orthogonal matrix; the decryption network starts with the inverse and with a piecewise linear inverse of tanh. Training then moves both networks by gradient, through the rounding to 8 bits. This is a choice of ours that the paper knows nothing of, and it is what the linear attack below exploits.`,
    ],
    tables: [
      {
        columns: ['', 'paper', 'here'],
        rows: [
          ['encryption and decryption network', 'a table of layers with parameter counts; the text says 64 filters', `the table decides: width ${width}, ${blocks} residual blocks, ${weightCount('paper').toLocaleString('en')} weights each; the printed 2,564,208 for the residual blocks is 2,654,208 with two digits swapped`],
          ['discriminator', 'counts 3,136, 131,456, 524,056, 2,098,688, 8,193, and 1', '4x4 convolutions with biases and affine instance norms, 2,766,529 parameters; 524,056 is a slip of 525,056; strides are our choice; least squares in place of the last sigmoid'],
          ['norm', 'instance norm; batch norm in residual blocks', 'published form: instance norm throughout (batches of one image make both the same); ours: thresholds'],
          ['loss', 'adversarial, SSIM; weights unknown', 'published form: adversarial 1, SSIM with uniform noise 1, SSIM 10, L1 10, the cipher terms brought in late; ours: in place of SSIM with noise, uniformity and neighbour covariance of one picture’s cipher'],
          ['data, size, optimiser, length', 'medical images (perhaps ISIC 2018); the rest unknown', 'BSDS500 train, crops of 48x48; see the cards of the weights'],
          ['secret', 'the trained weights', 'published and structured form: the weights, and the bytes of the key do not enter; keyed: 32 bytes and a nonce'],
          ['cipher image', 'wire format unknown', '8 bits a sample everywhere'],
          ['sizes', 'unknown', 'any from 16x16: tiles of at most 256 pixels, padded to multiples of 4; grey, alpha and 16 bits are carried'],
        ],
      },
    ],
  }
}

interface Measures {
  readonly psnr: number
  readonly ssim: number
  readonly maxError: number
  readonly entropy: number
  /** By direction: the mean over channels of a picture, without its sign. */
  readonly correlation: readonly number[]
}

async function measure(plain: Image, encrypt: (plain: Image) => Promise<Image>, decrypt: (cipher: Image) => Promise<Image>): Promise<Measures> {
  const cipher = await encrypt(plain)
  const { psnr, ssim, maxError } = quality(plain, await decrypt(cipher), 'one')
  const correlation = DIRECTIONS.map(direction => mean(correlationTest(bytes(cipher), cipher.width, cipher.height, cipher.channels, direction)!.channels.map(Math.abs)))
  return { psnr, ssim: ssim!, maxError, entropy: shannonEntropy(bytes(cipher)), correlation }
}

const summary = (rows: readonly Measures[]) => ({
  psnr: mean(rows.map(row => row.psnr)),
  ssim: mean(rows.map(row => row.ssim)),
  maxError: Math.max(...rows.map(row => row.maxError)),
  entropy: mean(rows.map(row => row.entropy)),
  correlation: DIRECTIONS.map((_, i) => mean(rows.map(row => row.correlation[i]!))),
})

/** Both ways of a cipher under the study's key. */
const both = (cipher: ImageCipher) => [(plain: Image) => cipher.encrypt(plain, KEY), (hidden: Image) => cipher.decrypt(hidden, KEY)] as const

async function figures({ progress }: StudyContext, ciphers: readonly ImageCipher[], photos: readonly NamedImage[], drawn: readonly NamedImage[]): Promise<StudySection> {
  const rows: (string | number)[][] = []
  const met: string[] = []
  const sets = [['BSDS500 val', photos], ['drawn by Latent', drawn]] as const
  let done = 0
  for (const cipher of ciphers) {
    for (const [name, set] of sets) {
      const measured: Measures[] = []
      for (const { image } of set) {
        measured.push(await measure(image, ...both(cipher)))
        progress(++done, ciphers.length * (photos.length + drawn.length), 'quality and statistics')
      }
      const { psnr, ssim, maxError, entropy, correlation } = summary(measured)
      rows.push([`\`${cipher.id}\``, name, `${fixed(psnr, 2)} (${fixed(Math.min(...measured.map(row => row.psnr)), 1)})`, ssim.toFixed(4), maxError, `${entropy.toFixed(3)} (${Math.min(...measured.map(row => row.entropy)).toFixed(2)})`, correlation.map(value => value.toFixed(3)).join(', ')])
      if (set === photos && cipher.id.startsWith('encipher')) {
        const reached = [psnr >= TARGET.psnr, ssim >= TARGET.ssim, entropy >= TARGET.entropy, Math.max(...correlation) <= TARGET.correlation]
        met.push(`\`${cipher.id}\` reaches ${reached.filter(Boolean).length} of the four`)
      }
    }
  }
  const p = PAPER.correlation
  return {
    heading: 'Published beside measured',
    text: [
      `Middles of ${SIDE}x${SIDE} pixels of ${photos.length} pictures of BSDS500 \`val\`, and ${drawn.length} pictures that Latent draws. PSNR and SSIM of the decrypted picture, ciphers in 8 bits; the largest error of any sample; Shannon entropy of the cipher's bytes; correlation of neighbours in the cipher, without sign, mean over channels and pictures. Means, and in brackets the worst picture.`,
      `Our aim was ${TARGET.psnr} dB, SSIM ${TARGET.ssim}, entropy ${TARGET.entropy} and correlation ${TARGET.correlation} in each direction, together, as means over BSDS500 \`val\`: ${met.join('; ')}.`,
      'AES-256-CTR and the identity are controls: what an ideal cipher and none at all give by the same measures.',
    ],
    tables: [
      {
        columns: ['cipher', 'pictures', 'PSNR, dB', 'SSIM', 'largest error', 'entropy', 'correlation H, V, D'],
        rows: [['paper', 'three pictures; PSNR and SSIM averages', PAPER.psnr, PAPER.ssim, 'not known', PAPER.entropy.join(', '), DIRECTIONS.map(direction => mean(p[direction]).toFixed(3)).join(', ')], ...rows],
      },
    ],
  }
}

/** A pair as an encryption and a decryption of bare images. */
const waysOf = (nets: ReturnType<typeof openNetworks>, pair: Pair) => [(plain: Image) => nets.encrypt(pair.encryption, plain), (cipher: Image) => nets.decrypt(pair.decryption, cipher, { width: cipher.width, height: cipher.height, channels: 3, format: 'u8' })] as const

async function tradeOff({ quick, progress }: StudyContext, photos: readonly NamedImage[]): Promise<StudySection> {
  const some = photos.filter((_, i) => i % Math.ceil(photos.length / 10) === 0)
  const nets = openNetworks('frozen', 'paper')
  const curves: { series: string; label: string; mixing: Mixing }[] = [
    ...[0.4, 0.6, 0.75, 0.9, 1.1].map(deviation => ({ series: `untrained, whitening ${START.whitening}`, label: `${deviation}`, mixing: { ...START, deviation } })),
    ...[0, 0.3, 0.8].map(whitening => ({ series: `untrained, deviation ${START.deviation}`, label: `${whitening}`, mixing: { ...START, whitening } })),
  ].slice(0, quick ? 2 : undefined)
  const points: { series: string; label: string; values: ReturnType<typeof summary> }[] = []
  try {
    for (const [i, { series, label, mixing: options }] of curves.entries()) {
      progress(i, curves.length + 2, 'trade-off')
      const pair = await structuredPair('paper', await mixing(KEY, options))
      points.push({ series, label, values: await over(some, waysOf(nets, pair)) })
    }
    points.push({ series: 'structured, trained', label: 'trained', values: await over(some, waysOf(nets, await shippedPairs.frozen())) })
  } finally {
    await nets.close()
  }
  const instance = openNetworks('instance', 'paper')
  try {
    points.push({ series: 'published form, trained', label: 'published form', values: await over(some, waysOf(instance, await shippedPairs.instance())) })
  } finally {
    await instance.close()
  }
  const largest = ({ correlation }: { correlation: readonly number[] }) => Math.max(...correlation)
  const paper = { psnr: PAPER.psnr, entropy: mean(PAPER.entropy), correlation: DIRECTIONS.map(direction => mean(PAPER.correlation[direction])) }
  const plotted = (y: (values: { entropy: number; correlation: readonly number[] }) => number): ChartPoint[] => [
    ...points.map(({ series, label, values }) => ({ x: values.psnr, y: y(values), series, label })),
    { x: paper.psnr, y: y(paper), series: 'paper', label: 'paper' },
    { x: TARGET.psnr, y: y({ entropy: TARGET.entropy, correlation: [TARGET.correlation] }), series: 'aim', label: 'aim' },
  ]
  return {
    heading: 'The trade-off',
    text: [
      `What is recovered and how random the cipher looks pull against each other. ${some.length} pictures of BSDS500 \`val\`. The untrained points are structured starts alone: *deviation* is that of what enters the tanh (small: the cipher stays in the middle of its range and loses entropy; large: the tanh clips), *whitening* how far the bands are made equal (none: neighbours of the cipher stay correlated; full: the gains of weak bands are so high that strong ones suffer from 8 bits).`,
      'Training improves all four measures at once over the start it was given (whitening and deviation in the first row of the table).',
    ],
    tables: [
      {
        columns: ['pair', 'setting', 'PSNR, dB', 'SSIM', 'entropy', 'correlation H, V, D'],
        rows: [
          ['start of the training', `whitening ${START.whitening}, deviation ${START.deviation}`, 'see the keyed cipher above', '', '', ''],
          ...points.map(({ series, label, values }) => [series, label, values.psnr.toFixed(2), values.ssim.toFixed(4), values.entropy.toFixed(3), values.correlation.map(value => value.toFixed(3)).join(', ')]),
        ],
      },
    ],
    figures: [
      { name: 'trade-off-entropy', caption: 'Entropy of the cipher against PSNR of the recovered picture: up and to the right is better', svg: await chart(plotted(({ entropy }) => entropy), { title: 'Entropy against PSNR', x: 'PSNR of the recovered picture, dB', y: 'entropy of the cipher, bits', mark: 'point', zero: false, height: 280 }) },
      { name: 'trade-off-correlation', caption: 'Largest neighbour correlation of the cipher against PSNR: down and to the right is better', svg: await chart(plotted(largest), { title: 'Neighbour correlation against PSNR', x: 'PSNR of the recovered picture, dB', y: 'largest of H, V, D', mark: 'point', zero: false, height: 280 }) },
    ],
  }
}

async function over(set: readonly NamedImage[], [encrypt, decrypt]: ReturnType<typeof waysOf>): Promise<ReturnType<typeof summary>> {
  const rows: Measures[] = []
  for (const { image } of set) rows.push(await measure(image, encrypt, decrypt))
  return summary(rows)
}

async function pictures(ciphers: readonly ImageCipher[], drawn: readonly NamedImage[]): Promise<StudySection> {
  const shown: Image<'u8'>[] = []
  for (const kind of drawn.slice(0, 3).map(({ id }) => id as 'street')) {
    const plain = await drawPicture(kind, 128, 96)
    shown.push(plain)
    for (const cipher of ciphers) {
      const hidden = await cipher.encrypt(plain, KEY, { nonce: Uint8Array.of(1) })
      shown.push(hidden as Image<'u8'>, (await cipher.decrypt(hidden, KEY)) as Image<'u8'>)
    }
  }
  return {
    heading: 'Pictures',
    text: ['Each row: a drawn picture, then cipher and recovered picture of the published form, of the structured and of the keyed one.'],
    figures: [{ name: 'pictures', caption: 'Plain, and cipher and recovered picture of the three ciphers', image: contactSheet(shown, 1 + 2 * ciphers.length) }],
  }
}

async function weightKeys({ progress }: StudyContext, nets: Record<'instance' | 'frozen', ReturnType<typeof openNetworks>>, drawn: readonly NamedImage[]): Promise<StudySection> {
  const sigmas = [0, 1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 3e-2, 1e-1]
  const points: ChartPoint[] = []
  const flips: (string | number)[][] = []
  const some = drawn.slice(0, 3)
  for (const [norm, name] of [['instance', 'published form'], ['frozen', 'structured']] as const) {
    const pair = await shippedPairs[norm]()
    const [encrypt, decrypt] = waysOf(nets[norm], pair)
    const ciphers = await Promise.all(some.map(({ image }) => encrypt(image)))
    for (const [i, sigma] of sigmas.entries()) {
      progress(i, sigmas.length, `weights of the ${name} disturbed`)
      const other = waysOf(nets[norm], { ...pair, decryption: disturbed(pair.decryption, sigma) })[1]
      const restored = await Promise.all(ciphers.map(other))
      points.push({ x: Math.max(sigma, 3e-5), y: mean(restored.map((picture, k) => sampleErrors(some[k]!.image, picture).psnr)), series: name })
    }
    const intact = await decrypt(ciphers[0]!)
    const flipped = await waysOf(nets[norm], { ...pair, decryption: lowBitFlipped(pair.decryption) })[1](ciphers[0]!)
    const { differing, maxError } = sampleErrors(intact, flipped)
    flips.push([name, percent(differing, 3), maxError])
  }
  return {
    heading: 'Weakness: the weights are an insensitive key',
    text: [
      'A key should be all or nothing. Here normal noise is added to every weight of the decryption network, its deviation a share of the root mean square of the layer: the recovered picture fades gradually (the leftmost point is no noise). So whoever has the weights nearly right has the picture, and "32 bits for each of 2,847,936 weights" is no count of keys.',
      'One flipped lowest bit of one weight (of the 24 bits of its significand) changes this share of the samples, by at most so many levels:',
    ],
    tables: [{ columns: ['pair', 'samples that change', 'largest change'], rows: flips }],
    figures: [{ name: 'weight-noise', caption: 'PSNR of pictures decrypted with disturbed weights', svg: await chart(points, { title: 'Decrypting with weights that are nearly right', x: 'noise on the weights, share of their root mean square', y: 'PSNR, dB', mark: 'line', logX: true }) }],
  }
}

type Weights = Pair['decryption']

/** Every weight of every layer moved by normal noise; the same at every call. */
function disturbed(weights: Weights, sigma: number): Weights {
  let state = 12345
  const uniform = () => ((state = (Math.imul(state, 1664525) + 1013904223) >>> 0) + 0.5) / 2 ** 32
  return changed(weights, data => {
    const rms = Math.sqrt(data.reduce((sum, value) => sum + value ** 2, 0) / data.length)
    return data.map(value => value + sigma * rms * Math.sqrt(-2 * Math.log(uniform())) * Math.cos(2 * Math.PI * uniform()))
  })
}

/** The lowest bit of the first weight of the first layer. */
function lowBitFlipped(weights: Weights): Weights {
  let first = true
  return changed(weights, data => {
    const copy = data.slice()
    if (first) new Uint32Array(copy.buffer)[0]! ^= 1
    first = false
    return copy
  })
}

function changed(weights: Weights, change: (data: Float32Array) => Float32Array): Weights {
  const layer = (one: Weights['enter']) => ({ ...one, weight: { ...one.weight, data: change(one.weight.data) } })
  const { enter, down1, down2, blocks, up1, up2, leave } = weights
  return { enter: layer(enter), down1: layer(down1), down2: layer(down2), blocks: blocks.map(({ first, second }) => ({ first: layer(first), second: layer(second) })), up1: layer(up1), up2: layer(up2), leave: layer(leave) }
}

async function differences({ quick, progress }: StudyContext, ciphers: readonly ImageCipher[], drawn: readonly NamedImage[]): Promise<StudySection> {
  const trials = quick ? 1 : 3
  const rows: (string | number)[][] = []
  for (const [i, cipher] of ciphers.entries()) {
    progress(i, ciphers.length, 'one sample changed')
    const found: { npcr: number; uaci: number; fresh: number }[] = []
    for (const [j, { image }] of drawn.slice(0, trials).entries()) {
      const nonce = Uint8Array.of(j)
      const [a, b] = [await cipher.encrypt(image, KEY, { nonce }), await cipher.encrypt(oneSampleChanged(image, 98_317 * (j + 1)), KEY, { nonce })]
      const again = await cipher.encrypt(image, KEY, { nonce: randomBytes(12) })
      const { npcr, uaci } = differential(bytes(a), bytes(b))
      found.push({ npcr: npcr.value, uaci: uaci.value, fresh: differential(bytes(a), bytes(again)).npcr.value })
    }
    rows.push([`\`${cipher.id}\``, ...(['npcr', 'uaci', 'fresh'] as const).map(what => percent(mean(found.map(one => one[what])), 4))])
  }
  const n = SIDE * SIDE * 3
  const [npcr, uaci] = [npcrLimits(n, 0.05), uaciLimits(n, 0.05)]
  return {
    heading: 'Weakness: a changed sample changes its neighbourhood alone',
    text: [
      `Two pictures that differ by one level in one sample, encrypted under one key and one nonce; ${trials} pictures. Ciphers of ideal diffusion would lie between ${percent(npcr.low)} and ${percent(npcr.high)} (NPCR) and between ${percent(uaci.low)} and ${percent(uaci.high)} (UACI). No NPCR or UACI of the paper is known to us. In the structured form a sample reaches its own block of 48 samples and what training has added; in the published form instance norm adds a change of every sample that is mostly lost in 8 bits.`,
      'The last column encrypts one picture under two nonces: only ciphers that use a nonce change.',
    ],
    tables: [{ columns: ['cipher', 'NPCR', 'UACI', 'NPCR of two nonces'], rows }],
  }
}

/** Length of the Sobel gradient of the luma (inner pixels). */
function sobel({ width, height, data }: Image): Float64Array {
  const luma = Float64Array.from({ length: width * height }, (_, i) => 0.299 * data[3 * i]! + 0.587 * data[3 * i + 1]! + 0.114 * data[3 * i + 2]!)
  const out = new Float64Array((width - 2) * (height - 2))
  for (let y = 1; y < height - 1; y++) {
    for (let x = 1; x < width - 1; x++) {
      const at = (dx: number, dy: number) => luma[(y + dy) * width + x + dx]!
      const across = at(1, -1) + 2 * at(1, 0) + at(1, 1) - at(-1, -1) - 2 * at(-1, 0) - at(-1, 1)
      const down = at(-1, 1) + 2 * at(0, 1) + at(1, 1) - at(-1, -1) - 2 * at(0, -1) - at(1, -1)
      out[(y - 1) * (width - 2) + x - 1] = Math.hypot(across, down)
    }
  }
  return out
}

function pearson(a: Float64Array, b: Float64Array): number {
  const [ma, mb] = [mean([...a]), mean([...b])]
  let [ab, aa, bb] = [0, 0, 0]
  for (let i = 0; i < a.length; i++) {
    const [x, y] = [a[i]! - ma, b[i]! - mb]
    ab += x * y
    aa += x * x
    bb += y * y
  }
  return ab / Math.sqrt(aa * bb)
}

/** Deviation of each 4x4 block about its mean: where a cipher is lively. */
function liveliness({ width, height, data }: Image): Float64Array {
  const out = new Float64Array((width >> 2) * (height >> 2))
  for (let block = 0; block < out.length; block++) {
    const [left, top] = [4 * (block % (width >> 2)), 4 * Math.floor(block / (width >> 2))]
    const values = Array.from({ length: BLOCK }, (_, i) => data[((top + Math.floor(i / 12)) * width + left) * 3 + (i % 12)]!)
    const middle = mean(values)
    out[block] = Math.sqrt(mean(values.map(value => (value - middle) ** 2)))
  }
  return out
}

async function edges(ciphers: readonly ImageCipher[], drawn: readonly NamedImage[]): Promise<StudySection> {
  const rows: (string | number)[][] = []
  for (const cipher of ciphers) {
    const found: [number, number][] = []
    for (const { image } of drawn) {
      const hidden = await cipher.encrypt(image, KEY, { nonce: Uint8Array.of(1) })
      found.push([Math.abs(pearson(sobel(image), sobel(hidden))), Math.abs(pearson(liveliness(image), liveliness(hidden)))])
    }
    rows.push([`\`${cipher.id}\``, mean(found.map(([edge]) => edge)).toFixed(3), mean(found.map(([, lively]) => lively)).toFixed(3)])
  }
  const n = (SIDE - 2) ** 2
  return {
    heading: 'Weakness: outlines shine through',
    text: [`Correlation, without its sign, of the edge map (Sobel, luma) of the cipher with that of the picture, and of the deviation inside blocks of 4x4 pixels. Random ciphers stay below ${correlationBand(n).toFixed(3)} and ${correlationBand((SIDE / 4) ** 2).toFixed(3)} in 95 of 100 cases. ${drawn.length} drawn pictures.`],
    tables: [{ columns: ['cipher', 'edges', 'deviation in blocks'], rows }],
  }
}

/** Undoes the tanh of a cipher sample. */
const straighten = (sample: number): number => Math.atanh(Math.min(0.9975, Math.max(-0.9975, sample / 127.5 - 1)))

async function linearAttack({ progress }: StudyContext, ciphers: readonly ImageCipher[], drawn: readonly NamedImage[], photos: readonly NamedImage[]): Promise<StudySection> {
  const rows: (string | number)[][] = []
  const known = drawn.slice(0, -1)
  const shown: Image<'u8'>[] = []
  const secret = drawn.at(-1)!.image
  for (const [i, cipher] of ciphers.entries()) {
    const encrypted = async (image: Image) => ({ plain: image, cipher: await cipher.encrypt(image, KEY) })
    const pairs = await Promise.all(known.map(({ image }) => encrypted(image)))
    const target = await encrypted(secret)
    const photo = await encrypted(photos[0]!.image)
    for (const count of [1, known.length]) {
      progress(i, ciphers.length, 'linear attack')
      const { blocks, open } = fitLinearBlocks(pairs.slice(0, count), { side: 4, straighten })
      rows.push([`\`${cipher.id}\``, `${count} other ${count === 1 ? 'picture' : 'pictures'}`, blocks, sampleErrors(secret, open(target.cipher)).psnr.toFixed(1), sampleErrors(photos[0]!.image, open(photo.cipher)).psnr.toFixed(1)])
    }
    // A corner of the same picture: 64x64 pixels known.
    const corner = cropped(target.plain, 64)
    const inside = fitLinearBlocks([{ plain: corner, cipher: cropped(target.cipher, 64) }], { side: 4, straighten })
    const opened = inside.open(target.cipher)
    rows.push([`\`${cipher.id}\``, 'a corner of the same picture', inside.blocks, sampleErrors(secret, opened).psnr.toFixed(1), ''])
    shown.push(opened)
  }
  return {
    heading: 'Weakness: known pictures give the decryption away',
    text: [
      `No network is needed: least squares fit one affine map from ${BLOCK} cipher samples (4x4 pixels, tanh undone) to ${BLOCK} plain samples, over all blocks of pictures known together with their ciphers, and the map then opens pictures that were never seen (PSNR of a drawn picture and of a photograph). For the structured pair that is nearly the decryption network, for the price of one known picture. The keyed variant changes its matrix with every nonce, so that other pictures tell nothing: but a known corner of a picture opens all of it.`,
      'The published form is further from linear, and its own decryption network recovers little more.',
    ],
    tables: [{ columns: ['cipher', 'known', 'blocks', 'drawn picture, dB', 'photograph, dB'], rows }],
    figures: [{ name: 'linear-attack', caption: `Opened by the linear map fitted to the upper left corner of 64x64 pixels: ${ciphers.map(({ id }) => id).join(', ')}`, image: contactSheet(shown.map(halved), shown.length) }],
  }
}

function cropped(source: Image, side: number): Image {
  const data = new Uint8Array(side * side * 3)
  for (let y = 0; y < side; y++) data.set(bytes(source).subarray(y * source.width * 3, (y * source.width + side) * 3), y * side * 3)
  return { width: side, height: side, channels: 3, format: 'u8', data }
}

/** Every second pixel. */
function halved({ width, height, data }: Image<'u8'>): Image<'u8'> {
  const out = new Uint8Array((width >> 1) * (height >> 1) * 3)
  for (let i = 0; i < out.length / 3; i++) for (let c = 0; c < 3; c++) out[3 * i + c] = data[(2 * Math.floor(i / (width >> 1)) * width + 2 * (i % (width >> 1))) * 3 + c]!
  return { width: width >> 1, height: height >> 1, channels: 3, format: 'u8', data: out }
}

function nullBands(): StudySection {
  const n = SIDE * SIDE * 3
  const band = correlationBand(2000)
  const [expected, deviation] = [expectedEntropy(n), entropyDeviation(n)]
  return {
    heading: 'The paper’s own figures against chance',
    text: [
      `Random bytes of ${SIDE}x${SIDE}x3 samples have an entropy of ${expected.toFixed(4)} with a deviation of ${deviation.toExponential(1)}; correlations over 2,000 pairs stay within ${band.toFixed(4)} of zero in 95 of 100 cases. The size of the paper's pictures and its number of pairs are not known to us; these are usual ones.`,
    ],
    tables: [
      {
        columns: ['printed', 'value', 'how far from chance'],
        rows: [
          ...PAPER.entropy.map((value, i) => [`entropy, image ${i + 1}`, value, `short of ${expected.toFixed(4)} by ${(expected - value).toFixed(2)} bits: ${Math.round((expected - value) / deviation).toLocaleString('en')} deviations`]),
          ...DIRECTIONS.map(direction => [`correlation, ${direction}`, PAPER.correlation[direction].join(', '), `${PAPER.correlation[direction].map(value => (value / band).toFixed(0)).join(', ')} times the band`]),
        ],
      },
    ],
  }
}

async function damage(ciphers: readonly ImageCipher[], drawn: readonly NamedImage[]): Promise<StudySection> {
  const plain = drawn[0]!.image
  const seed = new Uint8Array(32)
  const kinds = [
    ...([1 / 16, 1 / 8, 1 / 4] as const).map(strength => ({ name: `1/${1 / strength} black`, kind: 'occlusion', strength }) as const),
    { name: 'one level up or down everywhere', kind: 'one-level', strength: 1 } as const,
    ...([95, 75] as const).map(strength => ({ name: `JPEG of quality ${strength}`, kind: 'jpeg', strength }) as const),
  ]
  const rows: (string | number)[][] = []
  const shown: Image<'u8'>[] = []
  for (const cipher of ciphers) {
    const hidden = await cipher.encrypt(plain, KEY, { nonce: Uint8Array.of(1) })
    const intact = await cipher.decrypt(hidden, KEY)
    for (const { name, kind, strength } of kinds) {
      const restored = await cipher.decrypt((await disturb(hidden, { kind, strength }, seed, jpegRoundTrip))!, KEY)
      const { differing } = sampleErrors(intact, restored)
      rows.push([`\`${cipher.id}\``, name, sampleErrors(plain, restored).psnr.toFixed(1), percent(differing, 1)])
      if (kind === 'occlusion') shown.push(halved(restored as Image<'u8'>))
    }
  }
  return {
    heading: 'Damage',
    text: [
      'A part of the cipher image blackened in the middle, or the whole of it re-encoded, and then decrypted: PSNR, and the share of samples that differ from those of the intact cipher. The structured ciphers lose the blocks that were hit; in the published form the instance norms carry damage everywhere. This robustness to holes is the reverse of the missing diffusion above.',
      'A JPEG picture has no text chunks: a cipher image that went through one is refused with `E_IMAGE` and a hint that says so. For the rows of this table the chunks were put back by hand.',
    ],
    tables: [{ columns: ['cipher', 'damage to the cipher image', 'PSNR, dB', 'samples that change'], rows }],
    figures: [{ name: 'damage', caption: `Decrypted after 1/16, 1/8 and 1/4 of the cipher image was blackened; rows: ${ciphers.map(({ id }) => id).join(', ')}`, image: contactSheet(shown, 3) }],
  }
}
