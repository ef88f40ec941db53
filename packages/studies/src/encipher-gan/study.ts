import { openScheme } from '@latent/schemes'
import { BLOCK, DIMENSIONS, openNetworks, weightCount } from '@latent/schemes/encipher-gan'
import { correlationBand, entropyDeviation, expectedEntropy } from '@latent/lab'
import { repeatable } from '../repeatable.ts'
import type { Study, StudySection } from '../study.ts'
import { contrast } from './contrast.ts'
import { DIRECTIONS, drawings, PAPER, SIDE } from './measure.ts'
import { figures, pictures, tradeOff } from './quality.ts'
import { damage, differences, edges, linearAttack, weightKeys } from './weaknesses.ts'

/** Of the 100 of the split. */
const PHOTOS = 50

const CIPHERS = [
  'encipher-gan-2023',
  'encipher-gan-2023-learned',
  'encipher-gan-2023-structured',
  'encipher-gan-2023-keyed',
]

/** The page of `latent lab study encipher-gan-2023`. */
export const study: Study = {
  id: 'encipher-gan-2023',
  title: 'Encipher GAN: weights as the key',
  async run(context) {
    const opened = await Promise.all(CIPHERS.map(id => openScheme(id)))
    const controls = await Promise.all(['aes-256-ctr', 'identity'].map(id => openScheme(id)))
    const ciphers = opened.map(({ cipher }) => repeatable(cipher, context.seed))
    const all = [...ciphers, ...controls.map(({ cipher }) => repeatable(cipher, context.seed))]
    const nets = { instance: openNetworks('instance', 'paper'), frozen: openNetworks('frozen', 'paper') }
    try {
      const photos = await context.images('bsds500/val@256', context.quick ? 2 : PHOTOS)
      const drawn = await drawings(context.quick ? 2 : 6)
      return {
        title: study.title,
        lead: 'pictures',
        intro: [
          'Panwar, Singh, Kukreja, Singh, Shakhovska, Boichuk: *Encipher GAN: An End-to-End Color ' +
            'Image Encryption System Using a Deep Generative Model*, MDPI Systems 2023, 11(1), 36. An ' +
            'encryption network turns a colour picture into a noise-like one, a decryption network ' +
            'turns it back, a discriminator judges the noise. The trained weights are the secret key.',
          'Four ciphers: `encipher-gan-2023` is the published variant, trained for a short time; ' +
            '`encipher-gan-2023-learned` has the smallest repair with which it learns, thresholds in place of norms, ' +
            'and was trained from random weights; `encipher-gan-2023-structured` is ours, trained from a start that ' +
            'is no random one; `encipher-gan-2023-keyed` is ours too: the weights are drawn from ' +
            'a 32-byte key and a nonce and not trained at all. **None of the four is secure**; what ' +
            'breaks each is measured below. To keep a picture secret, seal it (`latent seal`).',
        ],
        sections: [
          facts(),
          await contrast(context, ciphers[0]!, photos.slice(0, context.quick ? 1 : 12)),
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

function facts(): StudySection {
  const { width, blocks } = DIMENSIONS.paper
  return {
    heading: 'What the paper says, what is our choice, what is repaired',
    text: [
      'The paper was known to us by its headings and tables; its formulas were not. Whatever its ' +
        'tables leave open is our choice.',
      'Instance norm takes the mean and contrast of every channel of every picture away, and with ' +
        `them the picture's brightness. The published variant was trained for a few hundred steps only ` +
        '(its card counts them), and recovers hardly more than outlines; the next section says why no ' +
        `length of training can do much better, and what that means for the paper's ${PAPER.psnr} dB, ` +
        'which is **not reproduced** here. Without norms and without biases, a network of convolutions ' +
        'and ReLUs is positively homogeneous (twice the input is twice the output, up to the last ' +
        'tanh), so that it cannot undo the tanh that made the cipher. The repaired ' +
        'ones therefore have **thresholds**: one constant for each channel, which is what is left of a batch norm ' +
        'with ' +
        'frozen statistics.',
      `The structured start writes a linear code into the weights: a cosine transform of ${BLOCK} ` +
        'samples (4x4 pixels, 3 colours), a gain for each of its bands, and a random orthogonal ' +
        'matrix; the decryption network starts with the inverse and with a piecewise linear inverse of ' +
        'tanh. Training then moves both networks by gradient, through the rounding to 8 bits. This is ' +
        'a choice of ours that the paper knows nothing of, and it is what the linear attack below ' +
        'exploits.',
    ],
    tables: [
      {
        columns: ['', 'paper', 'here'],
        rows: [
          [
            'encryption and decryption network',
            'a table of layers with parameter counts; the text says 64 filters',
            `the table decides: width ${width}, ${blocks} residual blocks, ` +
              `${weightCount('paper').toLocaleString('en')} weights each; the printed 2,564,208 for ` +
              'the residual blocks is 2,654,208 with two digits swapped',
          ],
          [
            'discriminator',
            'counts 3,136, 131,456, 524,056, 2,098,688, 8,193, and 1',
            '4x4 convolutions with biases and affine instance norms, 2,766,529 parameters; 524,056 ' +
              'is a slip of 525,056; strides are our choice; least squares in place of the last sigmoid',
          ],
          [
            'norm',
            'instance norm; batch norm in residual blocks',
            'published variant: instance norm throughout (batches of one image make both the same); the others: ' +
              'thresholds',
          ],
          [
            'loss',
            'adversarial, SSIM; weights unknown',
            'published variant: adversarial 1, SSIM with uniform noise 1, SSIM 10, L1 10, the cipher ' +
              'terms brought in late; learned: L1, SSIM, the judge, and terms for what a cipher shows (values, ' +
              'neighbours, edges, deviations, means over squares; `docs/training.md`); structured: in place of SSIM ' +
              'with noise, uniformity and neighbour covariance of one picture’s cipher',
          ],
          [
            'data, size, optimiser, length',
            'medical images (perhaps ISIC 2018); the rest unknown',
            'learned: open-photos train, crops of 64x64; the others: BSDS500 train, crops of 48x48; see the cards of ' +
              'the weights',
          ],
          [
            'secret',
            'the trained weights',
            'all but the keyed variant: the weights, and the bytes of the key do not enter; ' +
              'keyed: 32 bytes and a nonce',
          ],
          ['cipher image', 'wire format unknown', '8 bits a sample everywhere'],
          [
            'sizes',
            'unknown',
            'any from 16x16: tiles of at most 256 pixels, padded to multiples of 4; grey, alpha and ' +
              '16 bits are carried',
          ],
        ],
      },
    ],
  }
}

function nullBands(): StudySection {
  const n = SIDE * SIDE * 3
  const band = correlationBand(2000)
  const [expected, deviation] = [expectedEntropy(n), entropyDeviation(n)]
  return {
    heading: 'The paper’s own figures against chance',
    text: [
      `Random bytes of ${SIDE}x${SIDE}x3 samples have an entropy of ${expected.toFixed(4)} with a ` +
        `deviation of ${deviation.toExponential(1)}; correlations over 2,000 pairs stay within ` +
        `${band.toFixed(4)} of zero in 95 of 100 cases. The size of the paper's pictures and its ` +
        'number of pairs are not known to us; these are usual ones.',
    ],
    tables: [
      {
        columns: ['printed', 'value', 'how far from chance'],
        rows: [
          ...PAPER.entropy.map((value, i) => [
            `entropy, image ${i + 1}`,
            value,
            `short of ${expected.toFixed(4)} by ${(expected - value).toFixed(2)} bits: ` +
              `${Math.round((expected - value) / deviation).toLocaleString('en')} deviations`,
          ]),
          ...DIRECTIONS.map(direction => [
            `correlation, ${direction}`,
            PAPER.correlation[direction].join(', '),
            `${PAPER.correlation[direction].map(value => (value / band).toFixed(0)).join(', ')} times the band`,
          ]),
        ],
      },
    ],
  }
}
