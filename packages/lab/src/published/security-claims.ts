/**
 * What a paper says of its scheme's security, and where: what the verdict matrix puts its own verdict beside. Said in
 * our words; where only a part of the paper was open to us, `where` says so.
 */
export interface SecurityClaim {
  /** Registry id of the variant that is nearest to the paper. */
  readonly scheme: string
  readonly says: readonly string[]
  readonly where: string
}

/** A claim file each for the published schemes; see {@link SecurityClaim}. */
export const SECURITY_CLAIMS: readonly SecurityClaim[] = [
  {
    scheme: 'flowcrypt-2025',
    says: [
      'cipher images look uniformly distributed',
      'a mask and a map from a stretched key decide what the network does',
    ],
    where: 'arXiv 2509.18696, abstract and beginning; the rest was not open to us',
  },
  {
    scheme: 'vortex-2024',
    says: [
      'images keep too little information to be read, and enough to train on',
      'no attack is described in what is known to us',
    ],
    where: "arXiv 2411.16207 and the authors' repository",
  },
  {
    scheme: 'mask-autoencoder-2025',
    says: ['a key space of 2^24576 for masks of 32 x 32 x 3 bytes', 'the distribution of ciphers is close to uniform'],
    where: 'IJCNC 17(2), 2025, results and figures',
  },
  {
    scheme: 'encipher-gan-2023',
    says: ['safe against plaintext, statistical and differential attacks', 'the trained weights are the key'],
    where: 'Systems 11(1) 36, 2023, abstract and method',
  },
  {
    scheme: 'dense-resnet-2024',
    says: [
      'bit-XOR diffusion after the network makes the final cipher',
      'noise and loss leave a trail that can be traced',
    ],
    where: 'MTAP 83, 12819-12848, 2024, abstract and headings; the rest was not open to us',
  },
]
