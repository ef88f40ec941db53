import { describe } from '../contract/scheme.ts'
import { MINIMUM_SIDE } from '../encipher-gan/description.ts'

const ID = 'encryptgan-2019'

/** What is said of the scheme without code or weights. */
export const ENCRYPTGAN = describe({
  id: ID,
  title: 'EncryptGAN (Zheng et al. 2019), reconstructed: a picture is disguised as another, under a picture as key',
  role: 'reconstructed',
  paper: {
    authors: 'Zheng, Liu, Yu, Zheng, Wu, Yang, Shi',
    title: 'EncryptGAN: image steganography with domain transform',
    year: 2019,
    where: 'arXiv 1905.11582',
  },
  accepts: { formats: ['u8', 'u16', 'f32'], sides: { minimum: MINIMUM_SIDE } },
  wire: ['u8'],
  nonce: { use: 'optional', bytes: 16, others: 'hashed' },
  exact: false,
  weights: { scheme: ID, profile: 'compact' },
  keySpace: {
    bits: 256,
    note:
      'The key draws the key picture, of which the networks see three smooth maps; the networks are public, and ' +
      'whoever has them trains another that reads disguises without a key.',
  },
  derivation: [
    { name: 'inputs', value: 'a picture, a message and features of a key picture', standing: 'source' },
    { name: 'way back', value: 'noise in the place of the message; picture and message come out', standing: 'source' },
    { name: 'key features', value: 'levels 2 to 4 of a U-Net, mean channel, from -1 to 1', standing: 'source' },
    { name: 'a wrong key', value: 'is trained to give a plausible picture, and noise', standing: 'source' },
    {
      name: 'losses',
      value: 'least squares; cycle, message and noise in L1, the first two counted tenfold',
      standing: 'source',
    },
    {
      name: 'weight of that noise',
      value: '7; 10 is published, and leaves what heeds no key undecided between message and noise',
      standing: 'ours',
    },
    { name: 'that noise', value: 'is the noise that was put in', standing: 'inferred' },
    { name: 'adversarial terms', value: 'counted a tenth; 1 is published', standing: 'ours' },
    { name: 'generators', value: '16 channels and three residual blocks; 64 and nine are published', standing: 'ours' },
    { name: 'norms', value: 'a threshold a channel in place of instance norm', standing: 'ours' },
    { name: 'U-Net', value: 'four levels of 8 to 32 channels; eight are published', standing: 'ours' },
    {
      name: 'discriminators',
      value: 'two, of disguises and of what a wrong key uncovers; four are published',
      standing: 'ours',
    },
    {
      name: 'domains',
      value: 'soft clouds that are disguised as fine sand, both drawn; published are faces and flowers',
      standing: 'ours',
    },
    { name: 'key picture', value: 'clouds, drawn from the key, other ones for each tile', standing: 'ours' },
    { name: 'cover', value: 'clouds, drawn from the nonce', standing: 'ours' },
    {
      name: 'training',
      value: '5,000 steps of four crops of 32 x 32, Muon and Adam, one way; covers and judges count by step 1,700',
      standing: 'ours',
    },
  ],
})
