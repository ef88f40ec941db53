// npm run bench -- NAME [options]: runs bench/NAME.ts, whose default export takes the options.
import { readdirSync } from 'node:fs'
import { availableParallelism, cpus } from 'node:os'

const [name, ...options] = process.argv.slice(2)
const known = readdirSync(import.meta.dirname)
  .filter(
    file =>
      file.endsWith('.ts') &&
      ![
        'run.ts',
        'peer.ts',
        'process-cost.ts',
        'profile.ts',
        'networks.ts',
        'networks-worker.ts',
        'page-faults.ts',
        'studio-browser.ts',
      ].includes(file),
  )
  .map(file => file.slice(0, -3))
if (name === undefined || !known.includes(name)) {
  console.error(`expected one of: ${known.join(', ')}`)
  process.exit(2)
}
console.log(`${cpus()[0]?.model ?? 'unknown processor'}, ${availableParallelism()} threads, node ${process.version}`)
const { default: run } = (await import(`./${name}.ts`)) as { default: (options: readonly string[]) => Promise<void> }
await run(options)
