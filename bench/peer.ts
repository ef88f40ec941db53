import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

/**
 * A Python program that does the same work elsewhere: it reads commands from its input, and answers each with one line
 * of JSON.
 */
export interface Peer {
  ask(command: object): Promise<Record<string, number>>
  close(): void
}

/** @returns undefined where Debian's python3-torch is not installed */
export function openPeer(script: string): Peer | undefined {
  const python = '/usr/bin/python3'
  if (!existsSync(python) || !existsSync('/usr/lib/python3/dist-packages/torch')) return undefined
  const child = spawn(python, [fileURLToPath(new URL(script, import.meta.url))], { stdio: ['pipe', 'pipe', 'inherit'] })
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  return {
    async ask(command) {
      child.stdin.write(`${JSON.stringify(command)}\n`)
      const { value, done } = await lines.next()
      if (done) throw new Error(`${script} ended early`)
      return JSON.parse(value) as Record<string, number>
    },
    close: () => child.stdin.end(),
  }
}

/**
 * How a call is timed: by the clock, or by the processor time it takes, which other programs hardly change. The latter
 * only means something on one thread.
 */
export type Measure = 'wall' | 'cpu'

export async function timed(measure: Measure, call: () => Promise<unknown>): Promise<number> {
  const [wall, cpu] = [performance.now(), process.cpuUsage()]
  await call()
  const { user, system } = process.cpuUsage(cpu)
  return measure === 'wall' ? performance.now() - wall : (user + system) / 1000
}

export const median = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[values.length >> 1]!

export const pause = (milliseconds: number): Promise<void> => new Promise(resolve => setTimeout(resolve, milliseconds))

/**
 * Times two ways of one thing in turns, so that whatever else the machine does meets both alike.
 * @param ours does the thing `count` times and gives the milliseconds of each
 */
export async function inTurns(
  rounds: number,
  ours: () => Promise<number[]>,
  theirs: () => Promise<number[]>,
): Promise<{ ours: number; theirs: number; ratio: number; spread: [number, number] }> {
  const pairs: [number, number][] = []
  for (let round = 0; round < rounds; round++) {
    const a = median(await ours())
    // Idle threads of either side spin for a moment before they sleep.
    await pause(150)
    const b = median(await theirs())
    await pause(150)
    pairs.push([a, b])
  }
  const ratios = pairs.map(([a, b]) => b / a).toSorted((a, b) => a - b)
  return {
    ours: median(pairs.map(pair => pair[0])),
    theirs: median(pairs.map(pair => pair[1])),
    ratio: median(ratios),
    spread: [ratios[0]!, ratios.at(-1)!],
  }
}
