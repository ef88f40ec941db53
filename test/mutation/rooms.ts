/** What one mutation run covers: the files that are changed, and the tests that must notice. */
export interface Room {
  readonly mutate: readonly string[]
  readonly tests: readonly string[]
}

/**
 * The code whose faults lose pictures, accept wrong weights, or print wrong figures. A room's tests are few and take
 * a second or two: they run once for every change. Tests that start a browser or whole processes are left out anyway,
 * since those run the sources as they are, not the changed ones.
 */
export const ROOMS: Readonly<Record<string, Room>> = {
  core: {
    mutate: ['packages/core/src/*.ts', '!packages/core/src/index.ts', '!packages/core/src/png*.ts'],
    tests: ['bytes', 'core', 'images', 'known-answers', 'names', 'platform', 'sha256-web', 'streams'].map(
      name => `packages/core/test/${name}.test.ts`,
    ),
  },
  'core-png': {
    mutate: ['packages/core/src/png*.ts'],
    tests: ['png-edges', 'png', 'png-valid'].map(name => `packages/core/test/${name}.test.ts`),
  },
  'core-node': {
    mutate: ['packages/core/src/node/*.ts', '!packages/core/src/node/index.ts'],
    tests: ['io-error', 'lock', 'places-*', 'publish', 'workers'].map(name => `packages/core/test/${name}.test.ts`),
  },
  vault: {
    mutate: [
      'packages/vault/src/*.ts',
      'packages/vault/src/bodies/*.ts',
      '!packages/vault/src/**/index.ts',
      '!packages/vault/src/envelope.ts',
    ],
    // With an envelope that nobody unwraps and a stand-in for the learned cipher: the format alone, in milliseconds.
    tests: ['header', 'payload', 'sealing', 'streams'].map(name => `packages/vault/test/${name}.test.ts`),
  },
  // What the vault does with files has many more; these decide what a run skips, replaces and removes.
  'vault-journal': {
    mutate: 'journal journal-state machine-secret own-files stale target-state'
      .split(' ')
      .map(name => `packages/vault/src/node/${name}.ts`),
    tests: 'journal-state machine-secret own-files stale target-state'
      .split(' ')
      .map(name => `packages/vault/test/${name}.test.ts`),
  },
  carrier: {
    mutate: ['packages/vault/src/carrier/*.ts', '!packages/vault/src/carrier/index.ts'],
    tests: ['adler32', 'carrier', 'inflate'].map(name => `packages/vault/test/${name}.test.ts`),
  },
  keys: {
    mutate: ['packages/vault/src/keys/*.ts', '!packages/vault/src/keys/index.ts', 'packages/vault/src/envelope.ts'],
    tests: ['keys', 'key-edges', 'key-advice'].map(name => `packages/vault/test/${name}.test.ts`),
  },
  weights: {
    mutate: [
      'packages/graph/src/safetensors.ts',
      'packages/schemes/src/models/*.ts',
      '!packages/schemes/src/models/index.ts',
      'packages/schemes/src/exact-flow/weights.ts',
    ],
    tests: [
      'packages/graph/test/safetensors.test.ts',
      'packages/schemes/test/models.test.ts',
      'packages/schemes/test/model-places.test.ts',
      'packages/schemes/test/unpack.test.ts',
      'packages/schemes/test/flow-weights.test.ts',
    ],
  },
  statistics: {
    mutate: ['packages/lab/src/statistics/*.ts', '!**/*.d.ts'],
    tests: ['packages/lab/test/distributions.test.ts'],
  },
  sp80022: {
    mutate: ['packages/lab/src/sp80022/*.ts', '!packages/lab/src/sp80022/index.ts', '!**/*.d.ts'],
    // Not `sp80022.test.ts`: a million bits take seconds.
    tests: ['short', 'edges', 'verdict'].map(name => `packages/lab/test/sp80022-${name}.test.ts`),
  },
  metrics: {
    mutate: ['packages/lab/src/metrics/*.ts', '!packages/lab/src/metrics/index.ts'],
    tests: [
      'packages/lab/test/metrics.test.ts',
      'packages/lab/test/statistics.test.ts',
      'packages/lab/test/information.test.ts',
    ],
  },
  losses: {
    mutate: [
      'packages/graph/src/losses.ts',
      'packages/graph/src/secrecy.ts',
      'packages/schemes/src/*/objective.ts',
      'packages/schemes/src/neural/pair-objective.ts',
    ],
    tests: ['packages/graph/test/losses.test.ts', 'packages/schemes/test/terms.test.ts'],
  },
}
