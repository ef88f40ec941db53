import { bytewise, type ByteTransform } from '../contract/bytewise.ts'
import { defineScheme, type Description, type NonceRule, type Scheme } from '../contract/scheme.ts'

const AES_256 = { bits: 256, note: 'Every bit of the AES-256 key counts; no attack better than search is known.' }
const CHAOTIC = {
  bits: 104,
  note:
    'At most two doubles of about 52 bits; the key stream does not depend on the image, so one known image ' +
    'replaces the key.',
}
const NO_KEY = 'There is no key.'

const nonce = (use: 'optional' | 'fresh', bytes: number): NonceRule => ({ use, bytes, others: 'hashed' })

const baseline = (
  facts: Pick<Description, 'id' | 'title'> & Partial<Description>,
  transform: () => Promise<ByteTransform>,
): Scheme => defineScheme({ role: 'baseline', ...facts, load: async () => bytewise(await transform()) })

const control = (
  facts: Pick<Description, 'id' | 'title'> & Partial<Description>,
  transform: () => Promise<ByteTransform>,
): Scheme => baseline({ ...facts, role: 'control' }, transform)

/**
 * What every scheme is compared with: standard ciphers, chaotic ciphers as usually published, and controls, whose
 * outcome in every test is known beforehand.
 */
export const baselineSchemes: readonly Scheme[] = [
  baseline(
    { id: 'aes-256-ctr', title: 'AES-256-CTR, fresh nonce', nonce: nonce('fresh', 16), keySpace: AES_256 },
    async () => (await import('./standard.ts')).aesCtrFresh,
  ),
  baseline(
    { id: 'aes-256-ctr-fixed', title: 'AES-256-CTR, nonce reused', keySpace: AES_256 },
    async () => (await import('./standard.ts')).aesCtrFixed,
  ),
  baseline(
    {
      id: 'aes-256-cbc',
      title: 'AES-256-CBC, fixed IV, ciphertext stealing',
      accepts: { formats: ['u8', 'u16'], bytes: 16 },
      nonce: nonce('optional', 16),
      keySpace: AES_256,
    },
    async () => (await import('./standard.ts')).aesCbc,
  ),
  baseline(
    { id: 'aes-256-ecb', title: 'AES-256-ECB', accepts: { formats: ['u8', 'u16'], bytes: 16 }, keySpace: AES_256 },
    async () => (await import('./standard.ts')).aesEcb,
  ),
  baseline(
    {
      id: 'aes-256-neural',
      title: 'AES-256-ECB, its S-box computed by a network',
      accepts: { formats: ['u8', 'u16'], bytes: 16 },
      keySpace: { bits: 256, note: 'The bytes are those of AES-256-ECB: a network that computes AES is AES.' },
      derivation: [
        { name: 'cipher', value: 'AES-256 in ECB mode, FIPS 197', standing: 'source' },
        {
          name: 'network',
          value: '8 inputs, 256 threshold units, 8 linear outputs, weights written down',
          standing: 'ours',
        },
      ],
    },
    async () => (await import('./neural-aes.ts')).neuralAes,
  ),
  baseline(
    { id: 'aes-256-gcm', title: 'AES-256-GCM, fresh nonce', nonce: nonce('fresh', 12), keySpace: AES_256 },
    async () => (await import('./standard.ts')).aesGcm,
  ),
  baseline(
    {
      id: 'chacha20',
      title: 'ChaCha20, fresh nonce',
      nonce: nonce('fresh', 12),
      keySpace: { bits: 256, note: 'Every bit of the ChaCha20 key counts; no attack better than search is known.' },
    },
    async () => (await import('./standard.ts')).chacha20,
  ),
  control(
    {
      id: 'identity',
      title: 'Identity (no encryption)',
      secret: 'none',
      learnable: true,
      keySpace: { bits: 0, note: NO_KEY },
    },
    async () => (await import('./controls.ts')).identity,
  ),
  control(
    {
      id: 'fixed-permutation',
      title: 'Fixed keyed pixel permutation',
      keySpace: {
        bits: 256,
        note:
          'The permutation of an image size is the equivalent key: it is read off with about log256(pixels) ' +
          'chosen images.',
      },
    },
    async () => (await import('./controls.ts')).fixedPermutation,
  ),
  control(
    {
      id: 'random-bytes',
      title: 'Random bytes (nothing to decrypt)',
      nonce: nonce('fresh', 16),
      exact: false,
      secret: 'none',
      keySpace: { bits: 0, note: 'There is no key; the cipher does not hold the image.' },
    },
    async () => (await import('./controls.ts')).randomNoise,
  ),
  control(
    {
      id: 'xor-reused-mask',
      title: 'XOR with a reused random mask',
      secret: 'mask',
      keySpace: { bits: 256, note: 'The mask is the equivalent key: one known image reveals it.' },
    },
    async () => (await import('./controls.ts')).reusedMask,
  ),
  baseline(
    { id: 'logistic-xor', title: 'Logistic map key stream', keySpace: CHAOTIC },
    async () => (await import('./chaotic.ts')).logistic,
  ),
  baseline(
    { id: 'logistic-leading-xor', title: 'Logistic map key stream, leading bits', keySpace: CHAOTIC },
    async () => (await import('./chaotic.ts')).logisticLeading,
  ),
  baseline(
    { id: 'skew-tent-xor', title: 'Skew tent map key stream', keySpace: CHAOTIC },
    async () => (await import('./chaotic.ts')).skewTent,
  ),
  baseline(
    { id: 'pwlcm-xor', title: 'Piecewise linear map key stream', keySpace: CHAOTIC },
    async () => (await import('./chaotic.ts')).piecewiseLinear,
  ),
  baseline(
    {
      id: 'dna-coding',
      title: 'DNA coding under Lorenz chaos',
      keySpace: {
        bits: 156,
        note: 'Three doubles of 52 bits; nothing depends on the image, so that chosen images replace the key.',
      },
      derivation: [
        { name: 'permutation', value: 'sorting of the first coordinate', standing: 'source' },
        { name: 'key bases', value: 'trailing byte of the second coordinate, DNA addition', standing: 'source' },
        { name: 'rules', value: 'two of eight a byte, from the third coordinate', standing: 'source' },
        { name: 'chaos', value: 'Lorenz, Runge-Kutta steps of 0.01, transient of 1000', standing: 'inferred' },
        { name: 'initial state', value: 'a cube about the attractor, drawn from the key', standing: 'ours' },
      ],
    },
    async () => (await import('./dna.ts')).dnaCoding,
  ),
  baseline(
    {
      id: 'bit-plane',
      title: 'Bit planes scrambled by a Henon map, XOR',
      keySpace: {
        bits: 104,
        note: 'Two doubles of 52 bits; images of a size share permutations and mask, which chosen images give.',
      },
      derivation: [
        { name: 'permutation', value: 'each of eight bit planes by a sorted sequence of its own', standing: 'source' },
        { name: 'diffusion', value: 'XOR with trailing bytes of the map', standing: 'source' },
        { name: 'chaos', value: 'Henon, a = 1.4, b = 0.3, transient of 1000', standing: 'inferred' },
        { name: 'initial state', value: 'a square in the basin, drawn from the key', standing: 'ours' },
      ],
    },
    async () => (await import('./bit-plane.ts')).bitPlane,
  ),
  baseline(
    {
      id: 'arnold-cat-map',
      title: 'Arnold cat map permutation',
      keySpace: {
        bits: 21,
        note:
          'Two shears below 256 and 1 to 32 iterations; many of them coincide, and one chosen image replaces the ' +
          'key.',
      },
    },
    async () => (await import('./cat-map.ts')).arnoldCatMap,
  ),
]
