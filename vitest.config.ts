import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'
import { BaseSequencer, type TestSpecification } from 'vitest/node'

/** Files that take longest, which begin first, so that at the end no core waits for one of them. */
const LONGEST = [
  'lab/test/attack-suite.test.ts',
  'vault/test/kills.test.ts',
  'cli/test/ending.test.ts',
  'studio/test/page.test.ts',
  'test/trace/session.test.ts',
  'schemes/test/exact-flow.test.ts',
  'schemes/test/exact-flow-browser.test.ts',
  'lab/test/evaluate.test.ts',
  'lab/test/run.test.ts',
  'lab/test/broken-ciphers.test.ts',
  'schemes/test/contract.test.ts',
  'test/examples.test.ts',
  'lab/test/degenerate.test.ts',
  'studies/test/learnability.test.ts',
  'lab/test/trained-attacks.test.ts',
  'studies/test/exact-flow-study.test.ts',
  'studies/test/mask-autoencoder.test.ts',
  'robust/test/browser.test.ts',
]

/** The files whose tests have a long form, which `npm run test:long` runs. */
function withLongForms(): string[] {
  const root = fileURLToPath(new URL('.', import.meta.url))
  const folders = ['test', ...readdirSync(join(root, 'packages')).map(name => join('packages', name, 'test'))]
  return folders
    .map(folder => join(root, folder))
    .filter(existsSync)
    .flatMap(folder => readdirSync(folder).map(file => join(folder, file)))
    .filter(path => path.endsWith('.test.ts') && /\$\{atLength\}|firefoxTests/.test(readFileSync(path, 'utf8')))
}

class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rank = ({ moduleId }: TestSpecification) => LONGEST.findIndex(name => moduleId.endsWith(name)) + 1 || Infinity
    return (await super.sort(files)).toSorted((a, b) => (rank(a) === rank(b) ? 0 : rank(a) - rank(b)))
  }
}

// One project: unit, property and end-to-end tests together. Tests that need a browser, the `age`
// command or LATENT_DATA skip themselves visibly where those are missing.
export default defineConfig(({ mode }) => ({
  test: {
    include: mode === 'long' ? withLongForms() : ['packages/*/test/**/*.test.ts', 'test/**/*.test.ts'],
    // The names that `atLength` in `test/long.ts` gives them.
    ...(mode === 'long' && { testNamePattern: /\(at length\)/ }),
    testTimeout: 120_000,
    hookTimeout: 120_000,
    // One more than the two cores that the suite is made for: a third of it waits for disks and other processes.
    maxWorkers: 3,
    // Processes that tests start keep their compiled code for one another: starting is most of what they do.
    env: {
      NODE_COMPILE_CACHE: fileURLToPath(new URL('node_modules/.cache/tests', import.meta.url)),
      // Threads of several processes that wait by turning in loops take one another's time.
      LATENT_SPIN: '0',
      // What takes too long for every run: `npm run test:long`.
      ...(mode === 'long' && { LATENT_LONG: '1' }),
    },
    sequence: { sequencer: LongestFirst },
  },
}))
