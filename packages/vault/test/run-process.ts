import { fromHex } from '@latent/core'
import { Keyring } from '../src/index.ts'
import { FileThreads, openFiles, sealFiles } from '../src/node/index.ts'
import { BODIES, flows } from './fixtures.ts'

// A process for tests of kills: seals or opens a folder and says when it begins, so that kills hit the work.
const [what, body, input, output, key, envelope] = process.argv.slice(2) as [
  'seal' | 'open',
  string,
  string,
  string,
  string,
  string,
]
const album = { key: fromHex(key), envelope: fromHex(envelope) }
const run = { inputs: [input], output, flows }
// Some files are sealed here, while the threads start, and the others there.
const fileThreads = new FileThreads({ threads: 2, fewFiles: 4 })
process.stdout.write('begin\n')
for await (const { status } of what === 'seal'
  ? sealFiles({ ...run, fileThreads, album, lockName: 'test', body: BODIES[body]! })
  : openFiles({ ...run, fileThreads, keyring: new Keyring().remember(album) })) {
  if (status === 'failed') process.exitCode = 1
}
await fileThreads.close()
process.stdout.write('end\n')
