/** A heading of a page of this project, by its path from `docs/`. */
export interface Place {
  readonly page: string
  readonly heading: string
}

/** A table, figure or printed claim of a paper's evaluation, and where the same is measured here. */
export interface Exhibit {
  /** As the paper numbers or names it, as far as that is open to us. */
  readonly exhibit: string
  readonly shows: string
  /** Absent where nothing here answers it, which `note` then explains. */
  readonly at?: Place
  readonly command?: string
  readonly note?: string
}

/** The evaluation of one paper. */
export interface Evaluation {
  readonly title: string
  /** What of the paper was open to us. */
  readonly open: string
  /** Schemes whose figures stand beside the printed ones on the page of evaluations. */
  readonly schemes: readonly string[]
  readonly exhibits: readonly Exhibit[]
}

const study = (id: string) => `latent lab study ${id}`
const on =
  (id: string) =>
  (heading: string): Pick<Exhibit, 'at' | 'command'> => ({
    at: { page: `schemes/${id}/README.md`, heading },
    command: study(id),
  })
const [flowcrypt, mask, vortex, gan, dense] = [
  on('flowcrypt-2025'),
  on('mask-autoencoder-2025'),
  on('vortex-2024'),
  on('encipher-gan-2023'),
  on('dense-resnet-2024'),
]
const [here, compared] = [on('evaluations'), on('comparisons')]
const learned = (heading: string): Pick<Exhibit, 'at' | 'command'> => ({
  at: { page: 'lab/learnability.md', heading },
  command: `latent lab learnability --data ${heading.split(':')[0]!.toLowerCase().replace('-10', '10')}`,
})
const curves: Pick<Exhibit, 'at' | 'command'> = {
  at: { page: 'training.md', heading: 'Runs' },
  command: 'latent model page',
}

/** The headings of this study's own sections, which exhibits point to. */
export const SECTIONS = {
  flowcrypt: 'FlowCrypt on three sets',
  encipherGan: 'Encipher GAN, figure by figure',
  denseResnet: 'Dense-ResNet, figure by figure',
} as const

/** The five papers that this project began with, in the order of its seeds. */
export const EVALUATIONS: readonly Evaluation[] = [
  {
    title: 'FlowCrypt (Yang, Ping, Xu 2025)',
    open: 'The abstract: three claims, no table and no figure. Which three sets it means is not known to us.',
    schemes: ['flowcrypt-2025', 'flowcrypt-2025-structured'],
    exhibits: [
      { exhibit: 'abstract', shows: 'recovery of 100 dB on three data sets', ...here(SECTIONS.flowcrypt) },
      { exhibit: 'abstract', shows: 'cipher images uniformly distributed', ...flowcrypt('Claims and measurements') },
      { exhibit: 'abstract', shows: 'about 1M parameters', ...flowcrypt('Claims and measurements') },
      { exhibit: 'abstract', shows: 'strong security: keys that are wrong', ...flowcrypt('With a part of the key') },
      { exhibit: 'abstract', shows: 'robustness', ...flowcrypt('Damage on the way') },
      {
        exhibit: 'ablations, times on phones',
        shows: 'not open to us',
        note: 'ablations need trainings of their own; times on processors of ours stand with the three sets',
      },
    ],
  },
  {
    title: 'Masked auto-encoder (Madani, Bourennane 2025)',
    open: 'The whole text; of the figures their captions.',
    schemes: [],
    exhibits: [
      { exhibit: 'Figure 3', shows: 'layers of the auto-encoder', ...mask('Facts, choices, repair') },
      { exhibit: 'Figure 4', shows: 'five digits: plain, encrypted, recovered', ...mask('Recovery and size') },
      { exhibit: 'Figure 5', shows: 'five CIFAR-10 pictures: plain, encrypted, recovered', ...mask('Larger pictures') },
      { exhibit: '4.2, first', shows: 'distribution close to uniform', ...mask('Bytes of the cipher image') },
      { exhibit: '4.2, second', shows: 'key space of 2^24576: the mask', ...mask('The mask is no key') },
      { exhibit: '4.2, third', shows: 'bytes and transfer time', ...mask('Recovery and size') },
      { exhibit: '4.2, fourth', shows: 'recovery: digits close, CIFAR-10 noisy', ...mask('Recovery and size') },
      { exhibit: 'section 2', shows: 'related systems', ...compared('What the masked auto-encoder stands beside') },
    ],
  },
  {
    title: 'Random vortex transformation (Cao et al. 2024)',
    open: 'The abstract and the repository of its authors, which prints accuracies.',
    schemes: [],
    exhibits: [
      { exhibit: 'abstract', shows: 'loss of accuracy of 0.3 to 6.5 %', ...learned('MNIST: accuracy') },
      { exhibit: 'repository', shows: 'accuracies on Fashion-MNIST', ...learned('Fashion-MNIST: accuracy') },
      { exhibit: 'repository', shows: 'accuracies on CIFAR-10', ...learned('CIFAR-10: accuracy') },
      {
        exhibit: 'abstract',
        shows: 'information loss goes with loss of accuracy',
        ...learned('CIFAR-10: information loss against accuracy'),
      },
      { exhibit: 'abstract', shows: 'swapping pixels loses information', ...vortex('Vortices of growing number') },
      { exhibit: 'repository', shows: 'sensitivity keys', ...vortex('What the published keys do') },
      {
        exhibit: 'repository',
        shows: 'ResNet-18 and ViT on CIFAR-10, plain 92.80 and 98.50 %',
        note: 'the network here is smaller and trained for 8 epochs; ViT needs weights of ImageNet that are not here',
      },
    ],
  },
  {
    title: 'Encipher GAN (Panwar et al. 2023)',
    open: 'All six tables; figures without captions, of whose sections the headings are open.',
    schemes: ['encipher-gan-2023', 'encipher-gan-2023-learned', 'encipher-gan-2023-structured'],
    exhibits: [
      {
        exhibit: 'Tables 1 and 2',
        shows: 'layers and parameters of both networks',
        ...gan('What the paper says, what is our choice, what is repaired'),
      },
      { exhibit: 'Table 3', shows: 'entropy of three pictures and their ciphers', ...here(SECTIONS.encipherGan) },
      { exhibit: 'Table 4', shows: 'correlation of three pictures and their ciphers', ...here(SECTIONS.encipherGan) },
      { exhibit: 'Table 5', shows: 'PSNR beside four systems', ...compared('What Encipher GAN compares itself with') },
      {
        exhibit: 'Table 6',
        shows: 'PSNR, SSIM, correlation, entropy beside five systems',
        ...compared('What Encipher GAN compares itself with'),
      },
      { exhibit: '4.1', shows: 'key space', ...here(SECTIONS.encipherGan) },
      { exhibit: '4.2', shows: 'key sensitivity', ...gan('Weakness: the weights are an insensitive key') },
      { exhibit: '4.3', shows: 'histograms', ...here(SECTIONS.encipherGan) },
      { exhibit: '5.1', shows: 'course of the losses', ...curves },
      { exhibit: '5.2', shows: 'recovered pictures', ...gan('Encipher GAN: weights as the key') },
      { exhibit: 'not in the paper', shows: 'NPCR, UACI, times', ...here(SECTIONS.encipherGan) },
      { exhibit: 'not in the paper', shows: 'noise and loss', ...gan('Damage') },
    ],
  },
  {
    title: 'Dense-ResNet with bit-XOR diffusion (Bao et al. 2024)',
    open: 'The abstract and the references. There are sixteen figures, whose captions are not open, nor is any table.',
    schemes: ['dense-resnet-2024', 'dense-resnet-2024-repaired', 'dense-resnet-2024-structured'],
    exhibits: [
      { exhibit: 'abstract', shows: 'times of encryption and decryption', ...here(SECTIONS.denseResnet) },
      { exhibit: 'abstract', shows: 'PSNR and SSIM', ...here(SECTIONS.denseResnet) },
      {
        exhibit: 'abstract',
        shows: 'gains over other learned systems',
        ...compared('What the Dense-ResNet cipher compares itself with'),
      },
      { exhibit: 'abstract', shows: 'pictures of no fixed category', ...dense('Published beside measured') },
      {
        exhibit: 'abstract',
        shows: 'trails of noise and loss',
        ...dense('Damage leaves a trail, and that is no security'),
      },
      {
        exhibit: 'usual, not open',
        shows: 'key space, key sensitivity',
        ...dense('The key, and what stands without it'),
      },
      { exhibit: 'usual, not open', shows: 'histograms', ...here(SECTIONS.denseResnet) },
      { exhibit: 'usual, not open', shows: 'entropy and correlation', ...here(SECTIONS.denseResnet) },
      { exhibit: 'usual, not open', shows: 'NPCR and UACI', ...dense('A changed pixel through the whole cipher') },
      {
        exhibit: 'Figures 1 to 16',
        shows: 'not open to us',
        note: 'what they show is not known, but for the abstract',
      },
    ],
  },
]
