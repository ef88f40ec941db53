import { parseJsonLines } from '@latent/core'
import { decodeSafetensors, encodeSafetensors, type LogEntry, type Tensor } from '@latent/graph'
import { lossCurve } from '@latent/graph/train'
import { dataRoot, openData } from '@latent/data/node'
import { dataRead, type RunRecord } from '@latent/training'
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parseArgs } from 'node:util'

/**
 * Makes a folder as `latent train` leaves it of a run of `bench/peers/train_graph.py`, for `latent model`. Options: the
 * folder that the program wrote, the run's name in it, the new folder; --recipe, --profile, --seed, --batch-size,
 * --machine, --cores, --torch; --data, where the data sets lie.
 */
export default async function run(options: readonly string[]): Promise<void> {
  const { values, positionals } = parseArgs({
    args: [...options],
    allowPositionals: true,
    options: {
      recipe: { type: 'string' },
      profile: { type: 'string', default: 'paper' },
      seed: { type: 'string', default: '1' },
      machine: { type: 'string', default: 'unknown' },
      cores: { type: 'string', default: '1' },
      'batch-size': { type: 'string', default: '32' },
      torch: { type: 'string', default: 'unknown' },
      data: { type: 'string' },
    },
  })
  const [from, name, folder] = positionals as [string, string, string]
  const lines = parseJsonLines(await readFile(join(from, 'log.jsonl'), 'utf8')).values as Record<string, unknown>[]
  const log = lines
    .filter(line => line['run'] === name && typeof line['seconds'] === 'number')
    .map(line => Object.fromEntries(Object.entries(line).filter(([field]) => field !== 'run')) as unknown as LogEntry)
  const last = log.at(-1)!
  const tensors: Record<string, Tensor> = {}
  let metadata: Readonly<Record<string, string>> = {}
  for (const file of await readdir(from)) {
    if (!file.startsWith(`${name}.`) || !file.endsWith('.safetensors')) continue
    const found = decodeSafetensors(await readFile(join(from, file)))
    Object.assign(tensors, found.tensors)
    metadata = found.metadata
  }
  const recipe = values.recipe ?? metadata['recipe']!
  const { seed, profile } = values
  const set = await openData('open-photos/train', values.data ?? dataRoot())
  const record: RunRecord = {
    version: 1,
    recipe,
    profile,
    seed: Number(seed),
    batchSize: Number(metadata['batchSize'] ?? values['batch-size']),
    steps: last.step,
    data: [await dataRead(set, values.data ?? dataRoot())],
    sessions: [
      {
        fromStep: 0,
        toStep: last.step,
        seconds: Number(last['seconds']!.toFixed(1)),
        backend: `PyTorch ${values.torch}, losses exported from the recipe (bench/peers/train_graph.py)`,
        threads: 1,
        machine: { cpu: values.machine, cores: Number(values.cores), system: 'Linux x64' },
        software: { latent: '0.2.0', node: 'none' },
      },
    ],
  }
  await mkdir(folder, { recursive: true })
  const text = (lines: readonly object[]) => `${lines.map(line => JSON.stringify(line)).join('\n')}\n`
  await writeFile(join(folder, 'log.jsonl'), text(log))
  await writeFile(join(folder, 'run.json'), `${JSON.stringify(record, undefined, 2)}\n`)
  await writeFile(
    join(folder, 'weights.safetensors'),
    encodeSafetensors({
      tensors,
      metadata: { ...metadata, name: `${recipe}-${profile}`, seed, steps: String(last.step) },
    }),
  )
  const title = `${recipe}-${profile}, ${last.step} steps`
  await writeFile(join(folder, 'curve.svg'), lossCurve(log, title))
  console.log(`${folder}: ${log.length} lines, ${Object.keys(tensors).length} tensors, ${last.step} steps`)
}
