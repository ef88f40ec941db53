import { makeScratch } from '@latent/core/node'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { SessionOptions } from './runtime.ts'

/** Where the operators of a graph ran, by ONNX Runtime's own account. */
export interface Placement {
  /** Operators on the accelerator. */
  readonly device: number
  /** Those that ran on the processor, by name with how many there are, most frequent first. */
  readonly processor: readonly (readonly [op: string, count: number])[]
}

interface ProfileEvent {
  readonly cat: string
  readonly name: string
  readonly args?: { readonly provider?: string; readonly op_name?: string; readonly node_index?: string }
}

/**
 * Runs some work with profiling on and reads where each operator ran. The work must close its session
 * before it ends: that is when the profile is written.
 */
export async function placementOf(
  work: (options: Pick<SessionOptions, 'profile'>) => Promise<void>,
): Promise<Placement> {
  const scratch = await makeScratch('profile')
  const folder = scratch.path
  try {
    await work({ profile: join(folder, 'run') })
    const events = (
      await Promise.all(
        (await readdir(folder)).map(
          async file => JSON.parse(await readFile(join(folder, file), 'utf8')) as ProfileEvent[],
        ),
      )
    ).flat()
    const nodes = new Map(
      events.flatMap(({ cat, name, args }): [string, { provider: string; op: string }][] =>
        cat === 'Node' && args?.provider && args.op_name
          ? [[`${name}/${args.node_index}`, { provider: args.provider, op: args.op_name }]]
          : [],
      ),
    )
    const counts = new Map<string, number>()
    let device = 0
    for (const { provider, op } of nodes.values()) {
      if (provider === 'CPUExecutionProvider') counts.set(op, (counts.get(op) ?? 0) + 1)
      else device++
    }
    return { device, processor: Array.from(counts).sort(([, a], [, b]) => b - a) }
  } finally {
    await scratch.remove()
  }
}
