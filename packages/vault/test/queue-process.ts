import { Keyring, prune, Vault } from '../src/index.ts'
import { addFiles, FolderStore, openQueue, QueueCrew, runWorker } from '../src/node/index.ts'
import { flows } from './fixtures.ts'

// A process for tests of kills: plans, works, adds by itself, or prunes, in a vault that lies in a folder.
const [role, folder, source, identity, url] = process.argv.slice(2) as [string, string, string, string, string]
const keyring = new Keyring({ identities: [identity] })
const vault = await Vault.open(new FolderStore(folder), { keyring, index: role !== 'worker' })
const add = { inputs: [source], vault, album: vault.main(), flows, body: { type: 'aes-256-gcm' } as const, segment: 8 }
process.stdout.write('begin\n')
if (role === 'worker') {
  const connection = await openQueue(url)
  await runWorker({ connection, vault, keyring, source, flows, lanes: 2, lockMs: 1000 })
} else if (role === 'planner') {
  const crew = new QueueCrew({ connection: await openQueue(url), vault, sweepMs: 300 })
  for await (const { status } of addFiles({ ...add, crew })) if (status === 'failed') process.exitCode = 1
  await crew.close()
} else if (role === 'add') {
  for await (const { status } of addFiles(add)) if (status === 'failed') process.exitCode = 1
} else {
  await prune(vault, 0).catch((error: { code?: string }) => {
    process.exitCode = error.code === 'E_EXISTS' ? 9 : 1
  })
}
process.stdout.write('end\n')
