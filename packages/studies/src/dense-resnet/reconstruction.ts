import { type DenseNetworks } from '@latent/schemes/dense-resnet'
import { mean } from '@latent/lab'
import type { StudySection } from '../study.ts'
import { type Trips } from './measure.ts'
import { fixed } from './ciphers.ts'

/** The section on what the paper leaves open, and what was chosen here. */
export function choices({ parameters }: DenseNetworks, publishedTrips: Trips | undefined): StudySection {
  const block = parameters.encryption.blocks[0]!
  return {
    heading: 'What the paper says, and what is our choice',
    text: [
      "Instance norm subtracts every channel's mean over the picture and divides by its deviation, so " +
        'that brightness and contrast of a picture do not reach the other side; a decryption network ' +
        'cannot restore what is no longer there. ' +
        (publishedTrips
          ? 'Trained for a short time from random weights, that variant gives ' +
            `${fixed(mean(publishedTrips.psnr), 1)} dB (below). `
          : 'No weights of that variant are shipped; its recipe is. ') +
        'The ciphers here therefore use our own variant without norms.',
      'Two trainings of that variant are here. The registered one begins at random weights and minimises the ' +
        'described sum with terms for what a cipher shows (`dense-resnet-learned`; `docs/training.md` tells how, and ' +
        'what did not work). The other, `dense-resnet-2024-structured`, does not: the architecture can hold an ' +
        'almost ' +
        'lossless code of 4x4 blocks: the three first layers turn the 48 samples of a block into 48 channels; the ' +
        'dense blocks transform (DCT by opponent colours), compress and scale each coefficient, and mix all 48 by a ' +
        'pseudo-random rotation; transposed convolutions and a sigmoid make bytes of them. The decryption network ' +
        "holds the inverse, with the sigmoid's inverse in linear pieces. Training starts there and bends both " +
        "networks. **This start is ours, not the paper's, and stands in rows of its own.**",
    ],
    tables: [
      {
        columns: ['', 'paper', 'here'],
        rows: [
          [
            'networks',
            'a light dense residual network for encryption, another for decryption',
            'two networks of one shape: 7x7, two 3x3 of stride 2, ' +
              `${parameters.encryption.blocks.length} dense residual blocks (three 3x3 layers of ` +
              `${block.dense[0]!.weight.dims[0]} features each, joined by 1x1), twice up, 7x7 (own ` +
              'sizes)',
          ],
          ['layer counts, widths', 'unknown', '32, 64, 128 channels (own)'],
          [
            'norm',
            'instance norm is cited',
            '`published`: instance norm; `own`: none. The registered ciphers use `own`',
          ],
          [
            'loss',
            'weighted sum of encryption loss, decryption loss and total variation; terms and weights unknown',
            'distance to uniform values by crop and covariance of neighbours, and, learned, edges, deviations and ' +
              'means over squares that follow the picture; L1 + (1 - SSIM); anisotropic total variation (own terms ' +
              'and weights)',
          ],
          [
            'rounding between the networks',
            'unknown',
            'bytes, since the diffusion needs integers; noise of one level in training',
          ],
          [
            'diffusion',
            '"bit-XOR diffusion", formula unknown',
            '`xor-chain`, two passes, as the name says; `xor-sbox`, three passes, as repair; ' +
              '`xor-rot`, `xor-add` (own)',
          ],
          ['key', 'unknown', '32 bytes; key streams by HKDF-SHA-256 and AES-256-CTR, one a pass'],
          [
            'data',
            'BSDS500 and DIV2K',
            'learned: open-photos, train, as they are; from the start: BSDS500, train, half of the crops more ' +
              'saturated and noisier than photographs are, a quarter sharper (own)',
          ],
        ],
      },
    ],
  }
}

/** The section on what is secret. */
export function secrets(): StudySection {
  return {
    heading: 'What is secret',
    text: [
      'The 32-byte key of the diffusion, and nothing else. It can be changed at will, for every ' +
        'picture. The weights of the networks cannot: changing them means training again and sending ' +
        'megabytes to everyone who decrypts. They come with Latent and are public. So everything that ' +
        'protects a picture is in the diffusion; the networks add loss, time, and a picture that is ' +
        'hard to read for whoever has no copy of them.',
    ],
  }
}

/** The section on what the repaired variant repairs, and what it does not. */
export function repaired(): StudySection {
  return {
    heading: 'What the repaired variant repairs, and what it does not',
    text: [
      '**Repaired:** `dense-resnet-2024-repaired` puts the S-box of AES into the chain and runs ' +
        'three passes, so that a changed byte changes all others as chance would, in number and in ' +
        'value; and it draws a fresh nonce of 16 bytes for every picture, which travels in a text ' +
        'chunk of the PNG, so that no key stream is used twice, nothing cancels, and equal pictures ' +
        'have unlike ciphers.',
      '**Not repaired:** a nonce given by hand and used twice. Then equal pictures have equal ' +
        'ciphers again; and since decryption is local (every byte of the intermediate cipher depends ' +
        'on four cipher bytes and six bytes of the key streams, the same for every picture), a handful ' +
        'of known pairs determines the key bytes at every place. We state that by counting and have ' +
        'not carried it out.',
      '**Not repaired:** loss by the networks; ciphers padded to multiples of 4 pixels; cipher ' +
        'images that a service re-encodes are lost; no authentication, for which a picture is to be ' +
        'sealed. Without its networks the diffusion would be a lossless cipher and no less safe; a ' +
        'stream cipher under the same key would be simpler still.',
    ],
  }
}
