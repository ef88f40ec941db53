import type { StudySection } from '../study.ts'

/** The paragraphs before the first section. */
export const INTRO: readonly string[] = [
  'FlowCrypt ([arXiv 2509.18696](https://arxiv.org/abs/2509.18696)) encrypts and decrypts with one ' +
    'invertible network, forwards and backwards. A key is stretched by PBKDF2 into a balanced mask and ' +
    'a secret map K. The mask splits the picture into two halves; a chain of coupling blocks mixes ' +
    'them, each block with four sub-networks that see K.',
  'Only the abstract of the paper and reviews of its beginning were to be had: the structure is ' +
    'theirs, every constant is ours, and what we could not read we do not claim. "Measured" means the ' +
    'first network below on pictures of BSDS500 that no training saw, in the middle 256 x 256 pixels; ' +
    'how many of the hundred is in the table.',
]

/** The section on what is published and what was chosen here. */
export function facts(): StudySection {
  return {
    heading: 'What is published, and what is our choice',
    text: [
      '**Published:** PBKDF2 with a high count and a fixed salt; a mask with as many ones as zeros; ' +
        'the split by it and the repacking of both halves by row-wise and column-wise order; affine ' +
        'coupling blocks with four sub-networks (eta, rho, phi, omega) of five convolutions with leaky ' +
        'ReLU, each seeing a secret map K; a noise layer and a triplet loss in training; about 1M ' +
        'parameters and about 100 dB.',
      '**Our choice:** HMAC-SHA-256, 100,000 rounds and the salt; balancing by rank; rows for the ' +
        'first half, columns for the second; eight blocks of hidden width 32 with 3x3 kernels (953,440 ' +
        'parameters) and a compact network of four blocks of width 16; both halves scaled by ' +
        'exp(tanh(s/2)) and shifted; K uniform in 0..1 with one entry a pixel and split like the ' +
        'picture, so that a wrong mask is a wrong map; a nonce as an option; every formula and weight ' +
        'of the loss; a noise layer without JPEG; wire formats; tiles of 512 pixels for pictures of ' +
        'any size.',
      '**Two trainings:** the first column is learned from random weights on photographs free for any use, with ' +
        'terms for what squinting and a linear fit show, which the paper does not name (`flowcrypt-2025`; ' +
        '`docs/training.md` tells how). The second begins at a start of ours (`flowcrypt-2025-structured`): ' +
        '`image / 5 + v(K)` on top of random weights: the first two blocks exchange the halves and turn one of them ' +
        'over, and the third adds three entries of K, folded to be uniform, more of it in the middle of the range ' +
        'than at its ends. So do the compact networks, and the last column shows that start before any training, so ' +
        'that nobody takes it for what training found.',
      '**Secret:** the key. **Public:** weights, mask rule, nonce.',
    ],
  }
}

/** The section that says in plain words what the figures mean. */
export const PLAIN_WORDS: StudySection = {
  heading: 'What this proves and what it does not',
  text: [
    'It shows that the published structure works as described: one network both ways, exact but for ' +
      'rounding, with cipher images that look like noise at first sight, and no picture from a wrong ' +
      'key.',
    'It does not show security. Entropy, correlation and PSNR with a wrong key say what a look at ' +
      'the cipher image says. They are blind to what matters: the means of a cipher image may show the ' +
      'picture, equal pictures under one password give equal ciphers (without our nonce), one changed ' +
      'pixel changes next to nothing, whoever knows K nearly decrypts nearly, K is shared by all ' +
      'pictures of a size, and its entries are fewer than the values they hide. There is no ' +
      'authentication: a cipher image can be altered, and decryption cannot tell. A wrong key is not ' +
      'noticed either, unless the keyed check value travels along.',
    'For secrets use `latent seal`. The exact flow keeps this structure and rests on standard ' +
      'primitives: exact at 8 bits, with an avalanche, and with a proof.',
  ],
}
