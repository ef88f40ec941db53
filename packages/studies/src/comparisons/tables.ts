/** Systems of one comparison, by the ids under which figures are published or schemes are registered. */
export interface Comparison {
  readonly heading: string
  readonly text: string
  readonly systems: readonly string[]
}

/** The comparisons of three papers, each with forms of ours and a standard cipher beside it. */
export const COMPARISONS: readonly Comparison[] = [
  {
    heading: 'What Encipher GAN compares itself with',
    text:
      'Panwar et al., Systems 11(1) 36, 2023, the last two tables: average PSNR, SSIM, correlation and entropy. ' +
      'Their ' +
      'pictures are not ours, and how each of the other systems was measured is not stated there.',
    systems: [
      'encipher-gan-2023',
      'encipher-gan-2023-learned',
      'encipher-gan-2023-structured',
      'maniyath-2020',
      'erkan-2022',
      'deepedn-2021',
      'encryptgan-2019',
      'optical-denoiser-2019',
      'optical-hiding-2022',
      'exact-flow',
      'aes-256-gcm',
    ],
  },
  {
    heading: 'What the Dense-ResNet cipher compares itself with',
    text:
      'Bao et al., MTAP 83, 12819-12848, 2024, compares itself with learned ciphers that it cites. Its tables are ' +
      'not open to ' +
      'us, its references are: these are the encryption systems among them that learn, or are optical.',
    systems: [
      'dense-resnet-2024',
      'dense-resnet-2024-repaired',
      'dense-resnet-2024-structured',
      'deepedn-2021',
      'bao-avalanche-2021',
      'isaae-2021',
      'li-optical-2021',
      'maniyath-2020',
      'wang-zhang-2022',
      'chen-2020',
      'ghost-imaging',
      'drpe-1995',
      'exact-flow',
      'aes-256-gcm',
    ],
  },
  {
    heading: 'What the masked auto-encoder stands beside',
    text:
      'Madani and Bourennane, IJCNC 17(2), 2025, section 2: their related work, and the usual ciphers without ' +
      'learning.',
    systems: [
      'mask-autoencoder-2025-cifar-conv',
      'mask-autoencoder-2025-cifar-repaired',
      'deepkeygen-2022',
      'deepkeygen-2022-drawn',
      'ito-transform-2021',
      'tanaka-le',
      'pixel-based',
      'sirichotedumrong-gan-2020',
      'huang-2022',
      'sang-2022',
      'fawad-2022',
      'wang-lo-2024',
      'abadi-andersen-2016',
      'dna-coding',
      'bit-plane',
      'logistic-xor',
      'aes-256-ecb',
      'aes-256-neural',
      'aes-256-gcm',
    ],
  },
]
