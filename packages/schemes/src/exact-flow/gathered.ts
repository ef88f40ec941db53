import { INPUT_ROW_BYTES, MOST_ROWS, ROW_BYTES, type RoundNetworks, rowsAtOnce } from './network.ts'

/** A run of the networks that was asked for. */
interface Asked {
  readonly round: number
  readonly input: Uint8Array
  readonly rows: number
  readonly output: Uint8Array
  readonly done: () => void
  readonly failed: (error: unknown) => void
}

/**
 * The same networks for several tiles at once. What is asked for side by side is run together where no row sees
 * another, which gives every row what it would be given alone: small tiles then share what a run costs whatever its
 * size. Where rows do see each other, each is run by itself.
 * @param turn waits until whoever is about to ask has asked
 */
export function gathered(networks: RoundNetworks, turn: () => Promise<unknown>): RoundNetworks {
  const most = rowsAtOnce(networks.weights) === MOST_ROWS ? MOST_ROWS : 0
  const input = new Uint8Array(most * INPUT_ROW_BYTES)
  const output = new Uint8Array(most * ROW_BYTES)
  let waiting: Asked[] = []
  let running: Promise<void> | undefined

  async function runAll(): Promise<void> {
    while (waiting.length > 0) {
      await turn()
      const asked = waiting
      waiting = []
      for (const group of groupsOf(asked, most)) {
        try {
          await runTogether(group)
          for (const { done } of group) done()
        } catch (error) {
          for (const { failed } of group) failed(error)
        }
      }
    }
    // At once: what is asked for from here on begins anew.
    running = undefined
  }

  async function runTogether(group: readonly Asked[]): Promise<void> {
    const [first] = group as [Asked]
    if (group.length === 1) return networks.run(first.round, first.input, first.rows, first.output)
    let rows = 0
    for (const asked of group) {
      input.set(asked.input, rows * INPUT_ROW_BYTES)
      rows += asked.rows
    }
    const made = output.subarray(0, rows * ROW_BYTES)
    await networks.run(first.round, input.subarray(0, rows * INPUT_ROW_BYTES), rows, made)
    let at = 0
    for (const asked of group) {
      asked.output.set(made.subarray(at, at + asked.rows * ROW_BYTES))
      at += asked.rows * ROW_BYTES
    }
  }

  return {
    backend: networks.backend,
    weights: networks.weights,
    run: (round, input, rows, output) =>
      new Promise<void>((done, failed) => {
        waiting.push({ round, input, rows, output, done, failed })
        running ??= runAll()
      }),
    async close() {
      await running
      await networks.close()
    },
  }
}

/** Runs of one round, of at most so many rows together; each has at least one run. */
function groupsOf(asked: readonly Asked[], most: number): Asked[][] {
  const groups: Asked[][] = []
  const open = new Map<number, { group: Asked[]; rows: number }>()
  for (const each of asked) {
    const last = open.get(each.round)
    if (last && last.rows + each.rows <= most) {
      last.group.push(each)
      last.rows += each.rows
    } else {
      const group = [each]
      groups.push(group)
      open.set(each.round, { group, rows: each.rows })
    }
  }
  return groups
}
