import { COMPARED } from './compared.ts'
import type { PublishedScheme } from './figure.ts'

export type { PublishedFigure, PublishedScheme } from './figure.ts'

/** The figures of every paper whose scheme is here, as printed, in the order of the registry. */
export const PUBLISHED: readonly PublishedScheme[] = [
  {
    id: 'flowcrypt-2025',
    citation: 'Yang, Ping, Xu: FlowCrypt. arXiv 2509.18696, 2025',
    figures: [
      {
        metric: 'psnr',
        value: 'about 100 dB',
        condition: 'three data sets whose names are unknown to us; wire format not stated',
        standing: 'abstract',
      },
      { metric: 'parameters', value: 'about 1 million', condition: '', standing: 'abstract' },
    ],
    remarks: [
      'Not known to us: NPCR, UACI, entropy, correlation, time, number of blocks, widths, losses.',
      '100 dB is about one sample in 150,000 off by one level after 8-bit rounding, or a float or ' +
        '16-bit cipher, or the value some code returns for equality.',
    ],
  },
  {
    id: 'mask-autoencoder-2025',
    citation: 'Madani, Bourennane: IJCNC 17(2), 2025',
    figures: [
      { metric: 'key-space', value: '2^24576', condition: 'claimed for masks of 32 x 32 x 3 bytes', standing: 'paper' },
      {
        metric: 'other',
        value: 'cipher distribution close to uniform',
        condition: 'stated of figures, no number',
        standing: 'paper',
      },
      {
        metric: 'other',
        value: '2352 to 784 bytes (MNIST), 3072 to 1024 bytes (CIFAR-10)',
        condition: 'presumes 8-bit latents',
        standing: 'paper',
      },
    ],
    remarks: [
      'No PSNR, SSIM, entropy, NPCR or UACI is printed.',
      'MNIST is counted as three channels; its grey images have 784 bytes.',
    ],
  },
  {
    id: 'vortex-2024',
    citation: 'Cao, Mo, Wang, Lai, Huang: Random Vortex Transformation. arXiv 2411.16207, 2024',
    figures: [
      {
        metric: 'accuracy',
        value: 'ResNet-18: MNIST 98.89 %, Fashion 92.85 %, CIFAR-10 87.56 %',
        condition: 'trained on transformed images; plain 99.20, 94.12, 92.80 %',
        standing: 'authors’ repository',
      },
      {
        metric: 'accuracy',
        value: 'ViT: MNIST 99.15 %, Fashion 92.61 %, CIFAR-10 92.04 %',
        condition: 'ImageNet-pretrained; plain 99.47, 94.95, 98.50 %',
        standing: 'authors’ repository',
      },
    ],
    remarks: [
      'As published it is no bijection: 6 to 22 % of the pixels are destroyed under the published ' +
        'keys, 40 to 60 % do not move.',
    ],
  },
  {
    id: 'encipher-gan-2023',
    citation: 'Panwar, Singh, Kukreja, Singh, Shakhovska, Boichuk: Encipher GAN. MDPI Systems 11(1) 36, 2023',
    figures: [
      { metric: 'entropy', value: '7.40, 7.36, 7.38', condition: 'three images', standing: 'paper' },
      {
        metric: 'correlation',
        value: 'H 0.4812 0.5090 0.5203, V 0.4584 0.4538 0.4147, D 0.2169 0.2043 0.1782',
        condition: 'three images, cipher',
        standing: 'paper',
      },
      {
        metric: 'psnr',
        value: '39.9703 dB',
        condition: 'average; wire format and image size not stated',
        standing: 'paper',
      },
      { metric: 'ssim', value: '0.9972', condition: 'average', standing: 'paper' },
      {
        metric: 'parameters',
        value: '2,847,936',
        condition: 'sum of the printed layer table, two misprints corrected by us',
        standing: 'paper',
      },
    ],
    remarks: [
      'No NPCR or UACI in what is known to us.',
      'Its own entropy and correlation are far outside the null bands.',
    ],
  },
  {
    id: 'dense-resnet-2024',
    citation: 'Bao et al.: MTAP 83, 12819-12848, 2024',
    figures: [
      {
        metric: 'other',
        value: 'encryption 2.7 %, decryption 7.5 % faster; PSNR +1.0 %, SSIM +0.5 %',
        condition: 'at least, against recent learned schemes, on BSDS500 and DIV2K',
        standing: 'abstract',
      },
    ],
    remarks: ['Absolute PSNR, SSIM, entropy, NPCR, UACI and times are not known to us.'],
  },
  ...COMPARED,
]

/** What is published of a scheme of the registry, if anything. */
export const publishedFor = (id: string): PublishedScheme | undefined => PUBLISHED.find(scheme => scheme.id === id)
