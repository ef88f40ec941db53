import type { PublishedScheme } from './figure.ts'

const QUOTED = 'quoted by another paper'
const IN_ENCIPHER_GAN = 'Quoted by Encipher GAN (Systems 11(1) 36, 2023), last two tables.'

/**
 * What is printed of the systems that papers compare themselves with, or name beside their own. `missing` says what
 * keeps one from being run here.
 */
export const COMPARED: readonly PublishedScheme[] = [
  {
    id: 'deepedn-2021',
    citation: 'Ding, Wu, Chen, Zhang, Gong, Cao, Qin: DeepEDN. IEEE IoT Journal 8, 1504-1518, 2021',
    figures: [
      { metric: 'psnr', value: '36.514 dB', condition: 'chest X-rays', standing: QUOTED },
      { metric: 'ssim', value: '0.90', condition: 'chest X-rays', standing: QUOTED },
      { metric: 'entropy', value: '7.95', condition: '', standing: QUOTED },
    ],
    remarks: [
      IN_ENCIPHER_GAN,
      'What runs here hides in noise, for the pictures of the domain that hides are not named; loss weights are ' +
        'ours, and the network that marks regions in cipher images is left out, with its labelled X-rays.',
    ],
  },
  {
    id: 'encryptgan-2019',
    citation: 'Zheng, Liu, Yu, Zheng, Wu, Yang, Shi: EncryptGAN. arXiv 1905.11582, 2019',
    figures: [{ metric: 'psnr', value: '17.5992 dB', condition: '', standing: QUOTED }],
    remarks: [
      IN_ENCIPHER_GAN,
      'Known: two generators of nine residual blocks that take a picture, a message and features of a key picture, ' +
        'and give a picture of the other domain and a message; a U-net makes the features.',
      'What runs here disguises drawn clouds as drawn sand, not faces as flowers, and was asked to heed keys before ' +
        'it was asked for disguises: in the other order wrong keys opened everything ([trainings](../../training.md)).',
    ],
  },
  {
    id: 'maniyath-2020',
    citation: 'Maniyath, Thanikaiselvan: Microprocessors and Microsystems 77, 103134, 2020',
    figures: [
      { metric: 'psnr', value: 'infinite', condition: '', standing: QUOTED },
      { metric: 'ssim', value: '1', condition: '', standing: QUOTED },
      { metric: 'correlation', value: '0.0149', condition: 'direction not stated', standing: QUOTED },
      { metric: 'entropy', value: '7.98', condition: '', standing: QUOTED },
    ],
    remarks: [IN_ENCIPHER_GAN, 'Beyond these figures only the title was open to us.'],
  },
  {
    id: 'erkan-2022',
    citation: 'Erkan, Toktas, Enginoğlu, Akbacak, Thanh: MTAP 81, 7365-7391, 2022',
    figures: [
      { metric: 'psnr', value: 'infinite', condition: '', standing: QUOTED },
      { metric: 'ssim', value: '1', condition: '', standing: QUOTED },
      { metric: 'correlation', value: '0.00002', condition: 'direction not stated', standing: QUOTED },
      { metric: 'entropy', value: '7.99', condition: '', standing: QUOTED },
    ],
    remarks: [IN_ENCIPHER_GAN, 'A correlation of 0.00002 is far below what noise has: chance, or the best of many.'],
  },
  {
    id: 'optical-denoiser-2019',
    citation: 'Chen, Li, Wang: Deep learning for improving the robustness of image encryption. IEEE Access 7, 2019',
    figures: [
      { metric: 'psnr', value: '24.8975 dB', condition: 'damage not stated', damaged: true, standing: QUOTED },
      { metric: 'ssim', value: '0.8885', condition: 'damage not stated', damaged: true, standing: QUOTED },
    ],
    remarks: [
      IN_ENCIPHER_GAN,
      'Not open to us: the optical cipher before the network, the damage that it is to mend, layers and data.',
    ],
  },
  {
    id: 'optical-hiding-2022',
    citation:
      'Zhang, Li: Single exposure phase-only optical image encryption and hiding. IEEE Photonics Journal 14, 2022',
    figures: [
      { metric: 'psnr', value: '30.0000 dB', condition: '', standing: QUOTED },
      { metric: 'ssim', value: '0.9306', condition: '', standing: QUOTED },
    ],
    remarks: [
      IN_ENCIPHER_GAN,
      'Not open to us: the bench (wavelength, distances, how the host picture hides), the network that decrypts, and ' +
        'its data. What runs here is phase only, has one exposure and hides; it leaves the network out.',
    ],
  },
  {
    id: 'bao-avalanche-2021',
    citation:
      'Bao, Xue: Avalanche effect of image encryption based on the Cycle-GAN. Applied Optics 60, 5320-5334, 2021',
    figures: [],
    remarks: [
      'Named by Bao et al. 2024 as what it is compared with; neither prints figures that are open to us. Of this ' +
        'paper only the title is: the loss that is to make the avalanche is ours.',
    ],
  },
  {
    id: 'isaae-2021',
    citation: 'Bao, Xue, Jin: Image scrambling adversarial autoencoder. MTAP 80, 28265-28301, 2021',
    figures: [],
    remarks: [
      'The abstract has the generator of CycleGAN both ways, a patch discriminator against noise, and two losses. ' +
        'Not open to us: widths and the weight of the adversarial loss.',
    ],
  },
  {
    id: 'li-optical-2021',
    citation:
      'Li, Zhou, Di: A learning optical image encryption scheme based on CycleGAN. J. Jilin Univ. 51, 1060-1066, 2021',
    figures: [],
    remarks: [
      'Not open to us: which optical encoding is learned, and all settings. Here it is the amplitude that a camera ' +
        'sees behind random phase encoding.',
    ],
  },
  {
    id: 'wang-zhang-2022',
    citation:
      'Wang, Zhang: A novel image encryption algorithm with deep neural network. Signal Processing 196, 108536, 2022',
    figures: [],
    remarks: [],
    missing:
      'everything but the title, also an abstract: what the network computes, whether there is chaos and which, what ' +
      'is scrambled and what diffused, and in which order',
  },
  {
    id: 'chen-2020',
    citation: 'Chen, Guo, Jing: deep compressed sensing and compound chaos. Acta Physica Sinica 69(24), 2020',
    figures: [],
    remarks: [
      'Not open to us: the equations of the cloud model, of sliding scrambling and of vector decomposition. ' +
        'The abstract compresses blocks of 3 x 33 x 33.',
    ],
  },
  {
    id: 'ghost-imaging',
    citation: 'Kang, Zhang, Ye, Zhang, Zhuang: ghost imaging for multiple images. Chinese Physics B 30, 124207, 2021',
    figures: [],
    remarks: ['Named by Bao et al. 2024; how several pictures are multiplexed is not open to us.'],
  },
  {
    id: 'deepkeygen-2022',
    citation: 'Ding, Tan, Qin, Cao, Choo, Qin: DeepKeyGen. IEEE TNNLS 33(9), 4915-4929, 2022',
    figures: [],
    remarks: [
      'Not open to us: which pictures the transformation domain has; here it is noise. A patent of the authors ' +
        '(US 2021/0385081) has a generator of 64 to 256 channels and six residual blocks: ours is smaller.',
      'By the game alone the judge wins, and key images become flat ([trainings](../../training.md)): what runs here ' +
        'was asked for even values, unlike neighbours and unlike images of different keys too. ' +
        '`deepkeygen-2022-drawn` is the same cipher with a generator that is drawn, not trained.',
    ],
  },
  {
    id: 'sirichotedumrong-gan-2020',
    citation: 'Sirichotedumrong, Kiya: a GAN-based image transformation scheme. EUSIPCO 2020, arXiv 2006.01342',
    figures: [],
    remarks: [
      'It has no key: nobody decrypts its pictures. The abstract has a generative network and plain classifiers that ' +
        'take what it makes. `ito-transform-2021`, of the same group a year later, does the same.',
      'Not open to us: what the generator is trained towards (the target pictures), its layers and its loss weights. ' +
        'Here it is trained towards noise.',
    ],
  },
  {
    id: 'huang-2022',
    citation: 'Huang, Yap, Chiu, Sun: learnable image encryption on medical images. IEEE Access 10, 66345-66355, 2022',
    figures: [],
    remarks: ['The earlier methods that it builds on run: `tanaka-le`, `pixel-based`, `etc`.'],
    missing:
      'the transform itself: the abstract says that it enhances earlier methods and that their attacks fail on it, ' +
      'and neither which step is added nor what the key is',
  },
  {
    id: 'sang-2022',
    citation:
      'Sang, Sang, Alam: logistic chaotic systems and deep autoencoder. Pattern Recognition Letters 153, 59-66, 2022',
    figures: [],
    remarks: [
      'Known: pixels are scrambled by a logistic map, then a deep auto-encoder makes the cipher image. Not open to ' +
        'us: its layers, block size, loss and data.',
    ],
  },
  {
    id: 'fawad-2022',
    citation: 'Ahmed, Rehman, Ahmad, Khan, Boulila, Srivastava, Lin, Buchanan: ACM TOMM, 2022',
    figures: [
      {
        metric: 'accuracy',
        value: 'training 97 %, validation 95 %',
        condition: 'of the auto-encoder; what is counted is not stated',
        standing: 'abstract',
      },
    ],
    remarks: ['Not open to us: which chaotic sequences and S-boxes, and their order.'],
  },
  {
    id: 'wang-lo-2024',
    citation:
      'Wang, Lo: Autoencoder-based joint image compression and encryption. J. Inf. Security Appl. 80, 103680, 2024',
    figures: [],
    remarks: [
      'Known: a logistic map under a key replaces a matrix of the parameters of the synthesis network. Not open to ' +
        'us: which parameters, and the encryption beside them.',
    ],
  },
  {
    id: 'abadi-andersen-2016',
    citation: 'Abadi, Andersen: Learning to protect communications. arXiv 1610.06918, 2016',
    figures: [
      { metric: 'other', value: 'Bob errs in less than 0.05 of 16 bits', condition: 'random bits', standing: 'paper' },
      { metric: 'other', value: 'Eve errs in more than 7.3 of 16 bits', condition: 'random bits', standing: 'paper' },
    ],
    remarks: ['No picture is encrypted there: how longer messages are is ours.'],
  },
]
