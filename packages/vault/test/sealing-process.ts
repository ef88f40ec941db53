import { fromHex } from '@latent/core'
import { flows } from './fixtures.ts'
import { sealFiles } from '../src/node/index.ts'

// A process for the kill test: seals a folder and says when it begins, so that kills hit the work.
const [input, output, key, envelope] = process.argv.slice(2) as [string, string, string, string]
process.stdout.write('begin\n')
for await (const result of sealFiles({
  inputs: [input],
  output,
  album: { key: fromHex(key), envelope: fromHex(envelope) },
  lockName: 'test',
  flows,
  body: { type: 'aes-256-gcm' },
})) {
  if (result.status === 'failed') process.exitCode = 1
}
process.stdout.write('end\n')
