/** The null-band tests of a run: what each looks at, and where its formula is. */
export interface TestInfo {
  readonly title: string
  /** What a failure means, for the report. */
  readonly failure: string
  readonly group: 'cipher' | 'plain and cipher' | 'one pixel changed' | 'one key bit changed' | 'wrong key' | 'key reuse'
}

export const TESTS = {
  histogram: { group: 'cipher', title: 'Histogram, chi-square', failure: 'byte values are not equally frequent' },
  entropy: { group: 'cipher', title: 'Global entropy', failure: 'entropy is off what a random string of this length has' },
  'local-entropy': { group: 'cipher', title: 'Local entropy, corrected interval', failure: 'blocks of the cipher are not equally disordered' },
  'correlation-horizontal': { group: 'cipher', title: 'Correlation, horizontal', failure: 'neighbours in a row are related' },
  'correlation-vertical': { group: 'cipher', title: 'Correlation, vertical', failure: 'neighbours in a column are related' },
  'correlation-diagonal': { group: 'cipher', title: 'Correlation, diagonal', failure: 'diagonal neighbours are related' },
  'correlation-antidiagonal': { group: 'cipher', title: 'Correlation, antidiagonal', failure: 'diagonal neighbours are related' },
  gvd: { group: 'cipher', title: 'Grey value degree', failure: 'neighbours differ by more or less than chance' },
  'plain-correlation': { group: 'plain and cipher', title: 'Correlation of cipher with plain', failure: 'the cipher resembles its plain image' },
  'plain-distance': { group: 'plain and cipher', title: 'Distance of cipher from plain', failure: 'the cipher is nearer to its plain image, or farther, than chance' },
  'pixel-npcr': { group: 'one pixel changed', title: 'NPCR, two-sided', failure: 'one changed pixel changes too few samples, or too many' },
  'pixel-uaci': { group: 'one pixel changed', title: 'UACI', failure: 'one changed pixel changes values too little, or too much' },
  'pixel-avalanche': { group: 'one pixel changed', title: 'Avalanche in bits', failure: 'one changed pixel does not flip half of the bits' },
  'key-npcr': { group: 'one key bit changed', title: 'NPCR, two-sided', failure: 'one changed key bit changes too few samples, or too many' },
  'key-uaci': { group: 'one key bit changed', title: 'UACI', failure: 'one changed key bit changes values too little, or too much' },
  'key-avalanche': { group: 'one key bit changed', title: 'Avalanche in bits', failure: 'one changed key bit does not flip half of the bits' },
  'wrong-key-correlation': { group: 'wrong key', title: 'Correlation of the result with plain', failure: 'a neighbouring key shows the image' },
  'wrong-key-distance': { group: 'wrong key', title: 'Distance of the result from plain', failure: 'a neighbouring key gives something like the image' },
  'mask-reuse': { group: 'key reuse', title: 'XOR of one known pair', failure: 'one known pair opens other images under the key' },
} as const satisfies Record<string, TestInfo>

export type TestId = keyof typeof TESTS
export const TEST_IDS = Object.keys(TESTS) as TestId[]
