import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'

const ROOT = resolve(import.meta.dirname, '../..')

/** What CONTRIBUTING says that it takes to add something: one new file, and lines in one that is there. */
export interface Addition {
  readonly what: string
  /** What stands in `examples/`, and comes from outside there. */
  readonly example: string
  /** Where it goes to, and what it imports there. */
  readonly file: string
  readonly rewrites: readonly (readonly [from: string, to: string])[]
  /** The file that lists all of its kind, and what is written behind which of its lines. */
  readonly registry: string
  readonly lines: readonly (readonly [behind: string, line: string])[]
}

/** One of each kind, taken from the examples. */
export const ADDITIONS: readonly Addition[] = [
  {
    what: 'scheme',
    example: 'examples/own-cipher/cipher.ts',
    file: 'packages/schemes/src/running-sum/scheme.ts',
    rewrites: [["'@latent/schemes'", "'../contract/index.ts'"]],
    registry: 'packages/schemes/src/index.ts',
    lines: [
      ["import { learnableSchemes } from './learnable/scheme.ts'", "import runningSum from './running-sum/scheme.ts'"],
      ['  ...baselineSchemes,', '  runningSum,'],
    ],
  },
  {
    what: 'test of the lab',
    example: 'examples/own-metric/metric.ts',
    file: 'packages/lab/src/tests/lowest-bit.ts',
    rewrites: [
      [
        "import { defineTest, normalTwoSided } from '@latent/lab'",
        "import { normalTwoSided } from '../statistics/special.ts'\nimport { defineTest } from './define.ts'",
      ],
    ],
    registry: 'packages/lab/src/tests/index.ts',
    lines: [
      ["import { reusedMask } from './reuse.ts'", "import lowestBit from './lowest-bit.ts'"],
      ['  ...keyTests,', '  lowestBit,'],
    ],
  },
  {
    what: 'attack',
    example: 'examples/own-attack/attack.ts',
    file: 'packages/lab/src/attacks/suite/steps.ts',
    rewrites: [
      ["'@latent/lab'", "'../contract.ts'"],
      ["import runningSum from '../own-cipher/cipher.ts'\n", ''],
      ['scheme: runningSum', "scheme: 'running-sum'"],
    ],
    registry: 'packages/lab/src/attacks/registry.ts',
    lines: [
      ["import { nearKey } from './suite/near-key.ts'", "import steps from './suite/steps.ts'"],
      ['  nearKey,', '  steps,'],
    ],
  },
  {
    what: 'store',
    example: 'examples/own-store/store.ts',
    file: 'packages/vault/src/store/sqlite.ts',
    rewrites: [
      [
        "import { bodyOfBytes, exactly, checkFolder, checkName, StoreFault } from '@latent/vault'",
        "import { bodyOfBytes, exactly, checkFolder, checkName, StoreFault } from './index.ts'",
      ],
      [
        "import type { ByteRange, ObjectBody, ObjectInfo, Store } from '@latent/vault'",
        "import type { ByteRange, ObjectBody, ObjectInfo, Store } from './store.ts'",
      ],
    ],
    registry: 'packages/vault/src/store/open-store.ts',
    lines: [
      ["import { openS3 } from './s3.ts'", "import { SqliteStore } from './sqlite.ts'"],
      [
        'const KINDS: readonly Kind[] = [',
        "  { begins: /^sqlite:/, open: address => new SqliteStore(address.slice('sqlite:'.length)) },",
      ],
    ],
  },
]

/** Makes an addition in a copy of the sources. @throws if a line is not there any more */
export function addTo(copy: string, { example, file, rewrites, registry, lines }: Addition): void {
  let source = readFileSync(join(ROOT, example), 'utf8')
  for (const [from, to] of rewrites) source = replaced(source, from, to)
  mkdirSync(dirname(join(copy, file)), { recursive: true })
  writeFileSync(join(copy, file), source)
  let list = readFileSync(join(copy, registry), 'utf8')
  for (const [behind, line] of lines) list = replaced(list, `${behind}\n`, `${behind}\n${line}\n`)
  writeFileSync(join(copy, registry), list)
}

function replaced(text: string, from: string, to: string): string {
  if (text.split(from).length !== 2) throw new Error(`expected once: ${from}`)
  return text.replace(from, () => to)
}
