import type { Image } from '@latent/core'
import { drawDigit, drawPicture } from '@latent/data'
import { histogramCritical, npcrNull, total } from '@latent/lab'
import { chart, type ChartPoint } from '../charts.ts'
import { contactSheet, enlarged } from '../pictures.ts'
import type { Study, StudyContext, StudySection } from '../study.ts'
import { leaks, linearAttacks } from './ciphertext-only.ts'
import { openVariants, type OpenVariant, picturesOf } from './variants.ts'
import { maskSection } from './mask.ts'
import { byteStatistics, measureRecovery, pixelChange, type Recovery } from './recovery.ts'

/** Everything that the study measures, section by section. */
export const study: Study = {
  id: 'mask-autoencoder-2025',
  title: 'The masked auto-encoder (Madani and Bourennane, 2025)',
  async run(context) {
    const variants = await openVariants(context.seed)
    try {
      return {
        title: 'mask-autoencoder-2025: a masked auto-encoder, and its repair',
        lead: 'digits',
        intro: INTRO,
        sections: [
          { heading: 'Facts, choices, repair', text: CHOICES },
          ...(await recoverySections(context, variants)),
          await maskSection(context, variants),
          await leaks(context, variants),
          await linearAttacks(context, variants),
          await photographs(context, variants),
          { heading: 'Verdict', text: VERDICT },
        ],
      }
    } finally {
      for (const variant of variants) await variant.close()
    }
  },
}

const INTRO = [
  'Madani and Bourennane, "Visually image encryption and compression using a CNN based auto ' +
    'encoder", IJCNC 17(2), March 2025. A picture is XORed with one fixed random mask; a convolutional ' +
    'auto-encoder turns the masked picture into a third of the bytes, and its decoder gives back the ' +
    'plain picture. The paper calls the mask the secret key.',
  'Two variants are built as published (`conv`: convolutions alone; `link`: with the fully connected ' +
    'element), for 28x28 digits (`mnist`) and 32x32 photographs (`cifar`), and a third one, ' +
    '`repaired`, which is ours: as many bytes, but no picture without the key. Registry ids: ' +
    '`mask-autoencoder-2025` (cifar, link), and `mask-autoencoder-2025-` with `cifar-conv`, ' +
    '`cifar-repaired`, `mnist-link`, `mnist-conv`, `mnist-repaired`.',
]

const CHOICES = [
  "**Stated in the paper.** XOR with one mask of the picture's size; convolutions with ReLU, " +
    'max-pooling, up-sampling and a "neural link or fully connected" element; the mean squared error ' +
    'to the plain picture, a learning rate of 0.001; digits of 28x28x3 = 2352 bytes become 784, CIFAR ' +
    "pictures of 3072 become 1024 (8x8x16); the decoder's output is unmasked already.",
  '**Unknown, and our choice.** Figure 3 alone has the layers: 3x3 kernels, 32 and 64 channels, ' +
    'where the links stand and that no ReLU stands between a link and the convolution beside it, a ' +
    'latent from 0 to 1 as one byte (rounding passed straight through in training, a small cost ' +
    'outside the range), the optimiser (Muon; Adam for digits with the link), batches, steps. Our ' +
    'weights are of the `compact` profile, trained on two cores; each card in `models/` says how many ' +
    'steps, fewer than the 50 and 100 epochs of `paper`, and the curve beside it whether more would ' +
    'bring more. The cipher image is one channel ' +
    'of bytes: the 16 latents of a 4x4 block lie in its place, row by row. Pictures of other sizes are ' +
    'cut into tiles of 28 or 32 pixels, each under the same mask.',
  '**What is secret.** The published decoder is trained for one mask and takes none, so a key of ' +
    "the caller's cannot matter: these ciphers take one, as all do, and make no use of it. The " +
    'secret is the weights, and ours are public (the mask follows from a printed phrase). Trained ' +
    'for yourself and kept secret, they are the key.',
  '**Repaired.** The encoder sees the plain picture; AES-256-CTR under a key derived from the ' +
    "caller's and a fresh nonce is added to its bytes, modulo 256 (not XORed: a byte that travels a " +
    'level off then is a latent a level off). The network is ours too: a linear map of 4x4 blocks ' +
    'with residual blocks beside it, trained on the same pictures, by Muon. It is not authenticated; `latent ' +
    'seal` is.',
  'For grey digits, 784 bytes are as many as the picture has: the published "three times smaller" ' +
    "counts each grey value three times. The paper's other transfer time is a slip: 25 pictures of " +
    '3072 bytes take 6.144 ms at 100 Mbit/s (it prints 0.6144 us), and of 1024 bytes 2.048 ms.',
]

const VERDICT = [
  'Published: a compressor of masked pictures whose weights are the only secret. The mask protects ' +
    'nothing from someone who has the decoder, cipher images of one mask tell how alike their pictures ' +
    'are, and known pairs replace the decoder. Repaired: the key stream makes the bytes uniform and ' +
    'the key necessary, and every attack above falls back to what guessing the mean picture gives; its ' +
    'pictures are better because the encoder no longer has to see through a mask.',
]

async function recoverySections(context: StudyContext, variants: readonly OpenVariant[]): Promise<StudySection[]> {
  const results: {
    variant: OpenVariant
    recovery: Recovery
    fresh: Awaited<ReturnType<typeof pixelChange>>
    same: Awaited<ReturnType<typeof pixelChange>>
  }[] = []
  for (const variant of variants) {
    const limit = context.quick ? 20 : variant.set === 'mnist' ? 10_000 : 1000
    const pictures = await picturesOf(context, variant.set, 'test', limit)
    const recovery = await measureRecovery(variant, pictures, done =>
      context.progress(done, pictures.length, `recovery, ${variant.name}`),
    )
    const trials = context.quick ? 4 : 100
    results.push({
      variant,
      recovery,
      fresh: await pixelChange(variant, pictures, trials, context.seed),
      same: await pixelChange(variant, pictures, trials, context.seed, new Uint8Array(16)),
    })
  }
  const published = ({ set, kind }: OpenVariant) =>
    kind === 'repaired' ? '(ours)' : set === 'mnist' ? '"close to the original"' : '"noisy"'
  const histograms: ChartPoint[] = results
    .filter(({ variant }) => variant.set === 'mnist')
    .flatMap(({ variant, recovery }) => {
      const n = total(recovery.counts)
      return Array.from({ length: 64 }, (_, b) => ({
        x: 4 * b,
        y: Math.max(1e-6, [0, 1, 2, 3].reduce((sum, i) => sum + recovery.counts[4 * b + i]!, 0) / n),
        series: variant.name,
      }))
    })
  return [
    {
      heading: 'Recovery and size',
      text: [
        'Official test pictures ' +
          `(${results.map(({ variant, recovery }) => `${variant.name}: ${recovery.images}`).join('; ')}), ` +
          `through the cipher image's bytes. PSNR is the mean over pictures; those that came back bit for ` +
          'bit have none and are counted apart.',
      ],
      tables: [
        {
          columns: ['network', 'published', 'PSNR, dB', 'exact', 'PSNR of the mean error, dB', 'SSIM', 'bytes'],
          rows: results.map(({ variant, recovery }) => [
            variant.name,
            published(variant),
            decibels(recovery.psnr),
            recovery.exact,
            decibels(recovery.pooledPsnr),
            recovery.ssim.toFixed(4),
            recovery.bytes,
          ]),
        },
      ],
      figures: [
        {
          name: 'digits',
          caption:
            'Digits drawn by this project, from the top: plain; cipher image and restored picture of ' +
            'mnist, conv; of mnist, link; of mnist, repaired; and the repaired one decrypted with ' +
            'another key.',
          image: await digitSheet(variants),
        },
      ],
    },
    {
      heading: 'Bytes of the cipher image',
      text: [
        `The paper has the encrypted pictures' distribution "close to the uniform one". Entropy and ` +
          'chi-square are of the pooled bytes of all test pictures; a uniform source stays below ' +
          `${histogramCritical(0.05).toFixed(1)} in 95 of 100 cases. NPCR and UACI: one sample of a ` +
          `picture raised by a level, means of ${context.quick ? 4 : 100} trials; two random strings ` +
          `differ in ${(100 * npcrNull(1024).mean).toFixed(2)} % and by 33.46 %.`,
      ],
      tables: [
        {
          columns: [
            'network',
            'entropy, bits',
            'of uniform bytes',
            'chi-square',
            'zeros, %',
            'NPCR, %',
            'UACI, %',
            'NPCR under one nonce, %',
          ],
          rows: results.map(({ variant, recovery, fresh, same }) => {
            const bytes = byteStatistics(recovery.counts)
            return [
              variant.name,
              bytes.entropy.toFixed(4),
              bytes.expectedEntropy.toFixed(4),
              bytes.chiSquare < 1e5 ? bytes.chiSquare.toFixed(1) : bytes.chiSquare.toExponential(2),
              percent(bytes.zeros),
              percent(fresh.npcr),
              percent(fresh.uaci),
              variant.kind === 'repaired' ? percent(same.npcr) : 'no nonce',
            ]
          }),
        },
      ],
      figures: [
        {
          name: 'histogram',
          caption: 'Share of each group of four byte values in the cipher images of digits (logarithmic).',
          svg: await chart(histograms, {
            title: 'Bytes of cipher images',
            x: 'byte',
            y: 'share',
            mark: 'line',
            logY: true,
            rangeX: [0, 255],
          }),
        },
      ],
    },
  ]
}

async function digitSheet(variants: readonly OpenVariant[]): Promise<Image<'u8'>> {
  const plains = await Promise.all(Array.from({ length: 10 }, (_, digit) => drawDigit(digit)))
  const rows: Image<'u8'>[][] = [plains]
  for (const name of ['conv', 'link', 'repaired']) {
    const variant = variants.find(candidate => candidate.set === 'mnist' && candidate.kind === name)!
    const encrypted: Image<'u8'>[] = []
    for (const plain of plains) encrypted.push(await variant.encrypt(plain))
    const restored: Image<'u8'>[] = []
    for (const cipher of encrypted) restored.push(await variant.decrypt(cipher))
    rows.push(encrypted, restored)
    if (name !== 'repaired') continue
    const wrong: Image<'u8'>[] = []
    for (const cipher of encrypted)
      wrong.push((await variant.cipher.decrypt(cipher, new Uint8Array(32).fill(1))) as Image<'u8'>)
    rows.push(wrong)
  }
  return contactSheet(
    rows.flat().map(picture => enlarged(picture, 2)),
    10,
  )
}

async function photographs(context: StudyContext, variants: readonly OpenVariant[]): Promise<StudySection> {
  const cifar = variants.filter(({ set }) => set === 'cifar')
  const pictures = context.quick
    ? [await drawPicture('street', 70, 50)]
    : (await context.images('bsds500/val@256', 20)).map(({ image }) => image)
  const rows: (string | number)[][] = []
  for (const variant of cifar) {
    const { psnr, ssim } = await measureRecovery(variant, pictures, () => undefined)
    context.progress(rows.length + 1, cifar.length, 'larger pictures')
    rows.push([
      variant.name,
      variant.kind === 'repaired' ? 'none: convolutional' : '32x32',
      decibels(psnr),
      ssim.toFixed(4),
    ])
  }
  const scene = await drawPicture('landscape', context.quick ? 64 : 128, context.quick ? 48 : 96)
  const shown: Image<'u8'>[] = []
  for (const variant of cifar) {
    const encrypted = await variant.encrypt(scene)
    shown.push(scene, encrypted, await variant.decrypt(encrypted))
  }
  return {
    heading: 'Larger pictures',
    text: [
      `${pictures.length} ` +
        `${context.quick ? 'drawn picture' : 'photographs of BSDS500 (val), centre crops of 256x256'}: ` +
        'the networks of CIFAR on pictures of another size and sharpness.',
    ],
    tables: [{ columns: ['network', 'tiles', 'PSNR, dB', 'SSIM'], rows }],
    figures: [
      {
        name: 'scene',
        caption:
          'A scene drawn by this project, its cipher image and what decrypts: ' +
          `${cifar.map(({ name }) => name).join('; ')}, from the top.`,
        image: contactSheet(shown, 3),
      },
    ],
  }
}

/** PSNR in dB; an infinite one is an exact recovery. */
export const decibels = (value: number): string => (Number.isFinite(value) ? value.toFixed(2) : 'exact')
/** A share, 0 to 1, in percent, without the sign. */
export const percent = (share: number): string => (100 * share).toFixed(2)
