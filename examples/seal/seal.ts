import { createAlbum, Keyring, openSealed, prepareSeal, streamOf } from '@latent/vault'
import { openExactFlow, openFlows, sealingWeights } from '@latent/schemes/exact-flow'
import { readFile, writeFile } from 'node:fs/promises'
import { basename } from 'node:path'

// node seal.ts FILE SEALED.png PASSPHRASE-FILE: seals one file, opens what it wrote, and compares. A page does the
// same: nothing but the files is of Node.
const [input = '', output = '', secret = ''] = process.argv.slice(2)
const passphrase = (await readFile(secret, 'utf8')).trim()
const bytes = new Uint8Array(await readFile(input))

const { flows, close } = openFlows(weights => openExactFlow({ weights }))
const { id: weights } = await sealingWeights()
const metadata = { name: basename(input), type: 'application/octet-stream', size: bytes.length, modified: Date.now() }
const sealing = await prepareSeal({
  album: await createAlbum({ passphrase }),
  metadata,
  flows,
  body: { type: 'exact-flow+aes-256-gcm', weights },
})
await writeFile(output, sealing.png(streamOf(bytes)))

const opened = await openSealed(
  streamOf(new Uint8Array(await readFile(output))),
  new Keyring({ passphrases: [passphrase] }),
  flows,
)
const parts: Uint8Array[] = []
for await (const part of opened.bytes) parts.push(part)
const back = Buffer.concat(parts)
await close()
process.stdout.write(`${opened.metadata.name}: ${back.equals(bytes) ? 'came back bit for bit' : 'CAME BACK CHANGED'}\n`)
