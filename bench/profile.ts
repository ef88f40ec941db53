import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/**
 * A place for ONNX Runtime to write its profile, and what it then says: each operator's share of the time, largest
 * first.
 */
export function openProfile(): { readonly prefix: string; shares(): string } {
  const folder = mkdtempSync(join(tmpdir(), 'latent-profile-'))
  return {
    prefix: join(folder, 'run'),
    shares() {
      const events = readdirSync(folder).flatMap(
        file =>
          JSON.parse(readFileSync(join(folder, file), 'utf8')) as {
            cat: string
            name: string
            dur: number
            args: { op_name?: string }
          }[],
      )
      rmSync(folder, { recursive: true })
      const byOperator = new Map<string, number>()
      for (const { cat, name, dur, args } of events) {
        if (cat === 'Node' && name.endsWith('_kernel_time'))
          byOperator.set(args.op_name!, (byOperator.get(args.op_name!) ?? 0) + dur)
      }
      const total = [...byOperator.values()].reduce((a, b) => a + b, 0)
      const ranked = [...byOperator].toSorted((a, b) => b[1] - a[1]).filter(([, time]) => time > 0.01 * total)
      return ranked.map(([operator, time]) => `${operator} ${Math.round((100 * time) / total)} %`).join(', ')
    },
  }
}
