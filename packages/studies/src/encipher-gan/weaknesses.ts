import { pearson } from '../numbers.ts'
import { type Image, type ImageCipher, repeatably } from '@latent/core'
import { findScheme } from '@latent/schemes'
import { BLOCK, type openNetworks, type Pair, shippedPairs } from '@latent/schemes/encipher-gan'
import { jpegRoundTrip } from '@latent/data/node'
import {
  correlationBand,
  differential,
  disturb,
  mean,
  mountAttack,
  npcrLimits,
  oneSampleChanged,
  outlines,
  sampleErrors,
  sharedBlocksAttack,
  type Subject,
  uaciLimits,
} from '@latent/lab'
import { chart, type ChartPoint } from '../charts.ts'
import { contactSheet } from '../pictures.ts'
import type { NamedImage, StudyContext, StudySection } from '../study.ts'
import { bytes, KEY, percent, SIDE, waysOf } from './measure.ts'

/** The section on weights as keys: what noise on them, or one flipped bit, does to decryption. */
export async function weightKeys(
  { progress }: StudyContext,
  nets: Record<'instance' | 'frozen', ReturnType<typeof openNetworks>>,
  drawn: readonly NamedImage[],
): Promise<StudySection> {
  const sigmas = [1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 3e-2, 1e-1]
  const points: ChartPoint[] = []
  const flips: (string | number)[][] = []
  const some = drawn.slice(0, 3)
  for (const [of, norm, name] of [
    ['published', 'instance', 'published variant'],
    ['learned', 'frozen', 'learned'],
    ['structured', 'frozen', 'structured'],
  ] as const) {
    const pair = await shippedPairs[of]()
    const [encrypt, decrypt] = waysOf(nets[norm], pair)
    const ciphers = await Promise.all(some.map(({ image }) => encrypt(image)))
    for (const [i, sigma] of sigmas.entries()) {
      progress(i, sigmas.length, `weights of the ${name} disturbed`)
      const other = waysOf(nets[norm], { ...pair, decryption: disturbed(pair.decryption, sigma) })[1]
      const restored = await Promise.all(ciphers.map(other))
      points.push({
        x: sigma,
        y: mean(restored.map((picture, k) => sampleErrors(some[k]!.image, picture).psnr)),
        series: name,
      })
    }
    const intact = await decrypt(ciphers[0]!)
    const flipped = await waysOf(nets[norm], { ...pair, decryption: lowBitFlipped(pair.decryption) })[1](ciphers[0]!)
    const { differing, maxError } = sampleErrors(intact, flipped)
    flips.push([name, percent(differing, 3), maxError])
  }
  return {
    heading: 'Weakness: the weights are an insensitive key',
    text: [
      'A key should be all or nothing. Here normal noise is added to every weight of the decryption ' +
        'network, its deviation a share of the root mean square of the layer: the recovered picture ' +
        'fades gradually. So whoever has the weights nearly right has the picture, and "32 bits for ' +
        'each of 2,847,936 weights" is no count of keys.',
      'One flipped lowest bit of one weight (of the 24 bits of its significand) changes this share ' +
        'of the samples, by at most so many levels:',
    ],
    tables: [{ columns: ['pair', 'samples that change', 'largest change'], rows: flips }],
    figures: [
      {
        name: 'weight-noise',
        caption: 'PSNR of pictures decrypted with disturbed weights',
        svg: await chart(points, {
          title: 'Decrypting with weights that are nearly right',
          x: 'noise on the weights, share of their root mean square',
          y: 'PSNR, dB',
          mark: 'line',
          logX: true,
        }),
      },
    ],
  }
}

type Weights = Pair['decryption']

/** Every weight of every layer moved by normal noise; the same at every call. */
function disturbed(weights: Weights, sigma: number): Weights {
  let state = 12345
  const uniform = () => ((state = (Math.imul(state, 1664525) + 1013904223) >>> 0) + 0.5) / 2 ** 32
  return changed(weights, data => {
    const rms = Math.sqrt(data.reduce((sum, value) => sum + value ** 2, 0) / data.length)
    return data.map(
      value => value + sigma * rms * Math.sqrt(-2 * Math.log(uniform())) * Math.cos(2 * Math.PI * uniform()),
    )
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
  return {
    enter: layer(enter),
    down1: layer(down1),
    down2: layer(down2),
    blocks: blocks.map(({ first, second }) => ({ first: layer(first), second: layer(second) })),
    up1: layer(up1),
    up2: layer(up2),
    leave: layer(leave),
  }
}

/** The section on one changed sample: NPCR and UACI of each cipher, and under a fresh nonce. */
export async function differences(
  { quick, progress }: StudyContext,
  ciphers: readonly ImageCipher[],
  drawn: readonly NamedImage[],
): Promise<StudySection> {
  const trials = quick ? 1 : 3
  const rows: (string | number)[][] = []
  for (const [i, cipher] of ciphers.entries()) {
    progress(i, ciphers.length, 'one sample changed')
    const found: { npcr: number; uaci: number; fresh: number }[] = []
    for (const [j, { image }] of drawn.slice(0, trials).entries()) {
      const under = repeatably(cipher, Uint8Array.of(j))
      const [a, b] = [
        await cipher.encrypt(image, KEY, under),
        await cipher.encrypt(oneSampleChanged(image, 98_317 * (j + 1)), KEY, under),
      ]
      const again = await cipher.encrypt(image, KEY, repeatably(cipher, Uint8Array.of(j, 1)))
      const { npcr, uaci } = differential(bytes(a), bytes(b))
      found.push({ npcr: npcr.value, uaci: uaci.value, fresh: differential(bytes(a), bytes(again)).npcr.value })
    }
    rows.push([
      `\`${cipher.id}\``,
      ...(['npcr', 'uaci', 'fresh'] as const).map(what => percent(mean(found.map(one => one[what])), 4)),
    ])
  }
  const n = SIDE * SIDE * 3
  const [npcr, uaci] = [npcrLimits(n, 0.05), uaciLimits(n, 0.05)]
  return {
    heading: 'Weakness: a changed sample changes its neighbourhood alone',
    text: [
      'Two pictures that differ by one level in one sample, encrypted under one key and one nonce; ' +
        `means over drawn pictures (${trials}). Ciphers of ideal diffusion would lie between ` +
        `${percent(npcr.low)} and ${percent(npcr.high)} (NPCR) and between ${percent(uaci.low)} and ` +
        `${percent(uaci.high)} (UACI). No NPCR or UACI of the paper is known to us. In the structured ` +
        'variant a sample reaches its own block of 48 samples and what training has added; in the ' +
        'published variant instance norm adds a change of every sample that is mostly lost in 8 bits.',
      'The last column encrypts one picture under two nonces: only ciphers that use a nonce change.',
    ],
    tables: [{ columns: ['cipher', 'NPCR', 'UACI', 'NPCR of two nonces'], rows }],
  }
}

/** Length of the Sobel gradient of the luma (inner pixels). */
export function sobel({ width, height, data }: Image): Float64Array {
  const luma = Float64Array.from(
    { length: width * height },
    (_, i) => 0.299 * data[3 * i]! + 0.587 * data[3 * i + 1]! + 0.114 * data[3 * i + 2]!,
  )
  return outlines(luma, width, height)
}

/** Deviation of each 4x4 block about its mean: where a cipher is lively. */
export function liveliness({ width, height, data }: Image): Float64Array {
  const out = new Float64Array((width >> 2) * (height >> 2))
  for (let block = 0; block < out.length; block++) {
    const [left, top] = [4 * (block % (width >> 2)), 4 * Math.floor(block / (width >> 2))]
    const values = Array.from(
      { length: BLOCK },
      (_, i) => data[((top + Math.floor(i / 12)) * width + left) * 3 + (i % 12)]!,
    )
    const middle = mean(values)
    out[block] = Math.sqrt(mean(values.map(value => (value - middle) ** 2)))
  }
  return out
}

/** The section on outlines: how edges and lively blocks of a cipher follow those of the picture. */
export async function edges(ciphers: readonly ImageCipher[], drawn: readonly NamedImage[]): Promise<StudySection> {
  const rows: (string | number)[][] = []
  for (const cipher of ciphers) {
    const found: [number, number][] = []
    for (const { image } of drawn) {
      const hidden = await cipher.encrypt(image, KEY, repeatably(cipher, Uint8Array.of(1)))
      found.push([
        Math.abs(pearson(sobel(image), sobel(hidden))),
        Math.abs(pearson(liveliness(image), liveliness(hidden))),
      ])
    }
    rows.push([
      `\`${cipher.id}\``,
      mean(found.map(([edge]) => edge)).toFixed(3),
      mean(found.map(([, lively]) => lively)).toFixed(3),
    ])
  }
  const n = (SIDE - 2) ** 2
  return {
    heading: 'Weakness: outlines shine through',
    text: [
      'Correlation, without its sign, of the edge map (Sobel, luma) of the cipher with that of the ' +
        'picture, and of the deviation inside blocks of 4x4 pixels. Random ciphers stay below ' +
        `${correlationBand(n).toFixed(3)} and ${correlationBand((SIDE / 4) ** 2).toFixed(3)} in 95 of ` +
        `100 cases. ${drawn.length} drawn pictures.`,
    ],
    tables: [{ columns: ['cipher', 'edges', 'deviation in blocks'], rows }],
  }
}

/** The section on a linear attack: what a fit to known pairs of 4x4 blocks opens. */
export async function linearAttack(
  { progress }: StudyContext,
  ciphers: readonly ImageCipher[],
  drawn: readonly NamedImage[],
  photos: readonly NamedImage[],
): Promise<StudySection> {
  const rows: (string | number)[][] = []
  const [secret, photo, ...others] = [drawn.at(-1)!.image, ...photos.slice(0, 6).map(({ image }) => image)] as [
    Image<'u8'>,
    Image<'u8'>,
    ...Image<'u8'>[],
  ]
  const known = [...drawn.slice(0, -1).map(({ image }) => image), ...others]
  const shown: Image<'u8'>[] = []
  for (const [i, cipher] of ciphers.entries()) {
    const encrypted = async (image: Image<'u8'>) => ({ plain: image, cipher: await cipher.encrypt(image, KEY) })
    const pairs = await Promise.all(known.map(encrypted))
    const [target, seen] = [await encrypted(secret), await encrypted(photo)]
    const fitted = async (seen: NonNullable<Subject['seen']>, reach: 0 | 1) => {
      const { width, height, channels } = seen[0]!.plain
      const subject = { scheme: findScheme(cipher.id), shape: { width, height, channels }, seen }
      const { found } = await mountAttack(sharedBlocksAttack(reach), subject, seen.length)
      return { blocks: found!.counted!['blocks']!, open: async (hidden: Image) => (await found!.open!([hidden]))[0]! }
    }
    const score = async (how: string, blocks: string | number, open: (cipher: Image) => Promise<Image>) =>
      rows.push([
        `\`${cipher.id}\``,
        how,
        blocks,
        sampleErrors(secret, await open(target.cipher)).psnr.toFixed(1),
        sampleErrors(photo, await open(seen.cipher)).psnr.toFixed(1),
      ])
    for (const [count, reach] of [
      [1, 0],
      [known.length, 0],
      [known.length, 1],
    ] as const) {
      progress(i, ciphers.length, 'linear attack')
      const { blocks, open } = await fitted(pairs.slice(0, count), reach)
      await score(
        `${count} other ${count === 1 ? 'picture' : 'pictures'}${reach === 1 ? ', neighbouring blocks too' : ''}`,
        blocks,
        open,
      )
    }
    await score('the key (or the weights)', '', hidden => cipher.decrypt(hidden, KEY))
    // A corner of the same picture: 64x64 pixels known.
    const corner = cropped(target.plain, 64)
    const inside = await fitted([{ plain: corner, cipher: cropped(target.cipher, 64) }], 0)
    const opened = await inside.open(target.cipher)
    rows.push([
      `\`${cipher.id}\``,
      'a corner of the same picture',
      inside.blocks,
      sampleErrors(secret, opened).psnr.toFixed(1),
      '',
    ])
    shown.push(opened)
  }
  return {
    heading: 'Weakness: known pictures give the decryption away',
    text: [
      `No network is needed: least squares fit one affine map from ${BLOCK} cipher samples (4x4 ` +
        `pixels, tanh undone) to ${BLOCK} plain samples, over all blocks of pictures known together ` +
        'with their ciphers, and the map then opens pictures that were never seen (PSNR of a drawn ' +
        'picture and of a photograph). For the structured pair that is nearly the decryption network, ' +
        'for the price of one known picture; what training found from random weights is not far from linear either, ' +
        'once neighbouring blocks count too. The keyed variant changes its matrix with every nonce, so ' +
        'that other pictures tell nothing: but a known corner of a picture opens all of it.',
      'The published variant is further from linear; after so short a training its own decryption ' +
        'network recovers no more than such a map does.',
    ],
    tables: [{ columns: ['cipher', 'known', 'blocks', 'drawn picture, dB', 'photograph, dB'], rows }],
    figures: [
      {
        name: 'linear-attack',
        caption:
          'Opened by the linear map fitted to the upper left corner of 64x64 pixels: ' +
          ciphers.map(({ id }) => id).join(', '),
        image: contactSheet(shown.map(halved), shown.length),
      },
    ],
  }
}

function cropped(source: Image, side: number): Image<'u8'> {
  const data = new Uint8Array(side * side * 3)
  for (let y = 0; y < side; y++)
    data.set(bytes(source).subarray(y * source.width * 3, (y * source.width + side) * 3), y * side * 3)
  return { width: side, height: side, channels: 3, format: 'u8', data }
}

/** Every second pixel. */
function halved({ width, height, data }: Image<'u8'>): Image<'u8'> {
  const out = new Uint8Array((width >> 1) * (height >> 1) * 3)
  for (let i = 0; i < out.length / 3; i++)
    for (let c = 0; c < 3; c++)
      out[3 * i + c] = data[(2 * Math.floor(i / (width >> 1)) * width + 2 * (i % (width >> 1))) * 3 + c]!
  return { width: width >> 1, height: height >> 1, channels: 3, format: 'u8', data: out }
}

/** The section on damage: what is left after black areas, changed levels and JPEG. */
export async function damage(ciphers: readonly ImageCipher[], drawn: readonly NamedImage[]): Promise<StudySection> {
  const plain = drawn[0]!.image
  const seed = new Uint8Array(32)
  const kinds = [
    ...([1 / 16, 1 / 8, 1 / 4] as const).map(
      strength => ({ name: `1/${1 / strength} black`, kind: 'occlusion', strength }) as const,
    ),
    { name: 'one level up or down everywhere', kind: 'one-level', strength: 1 } as const,
    ...([95, 75] as const).map(strength => ({ name: `JPEG of quality ${strength}`, kind: 'jpeg', strength }) as const),
  ]
  const rows: (string | number)[][] = []
  const shown: Image<'u8'>[] = []
  for (const cipher of ciphers) {
    const hidden = await cipher.encrypt(plain, KEY, repeatably(cipher, Uint8Array.of(1)))
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
      'A part of the cipher image blackened in the middle, or the whole of it re-encoded, and then ' +
        'decrypted: PSNR, and the share of samples that differ from those of the intact cipher. The ' +
        'structured ciphers lose the blocks that were hit, the learned one those around them too; in the published ' +
        'variant the instance norms carry damage everywhere. This robustness to holes is the reverse of the ' +
        'missing diffusion above.',
      'A JPEG picture has no text chunks: a cipher image that went through one is refused with ' +
        '`E_IMAGE` and a hint that says so. For the rows of this table the chunks were put back by ' +
        'hand.',
    ],
    tables: [{ columns: ['cipher', 'damage to the cipher image', 'PSNR, dB', 'samples that change'], rows }],
    figures: [
      {
        name: 'damage',
        caption:
          'Decrypted after 1/16, 1/8 and 1/4 of the cipher image was blackened; rows: ' +
          ciphers.map(({ id }) => id).join(', '),
        image: contactSheet(shown, 3),
      },
    ],
  }
}
