import { argumentError, LatentError, randomBytes, sha256Of, toHex, formatBytes } from '@latent/core'
import { publish } from '@latent/core/node'
import { encodePng } from '@latent/core/png'
import { sealingWeights } from '@latent/schemes/exact-flow'
import { createAlbum, Keyring } from '@latent/vault'
import { openFiles, sealFiles } from '@latent/vault/node'
import { generateX25519Identity, identityToRecipient } from 'age-encryption'
import { readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Command } from 'commander'
import { sharedFlow } from '../flows.ts'
import { drawScene } from '@latent/data'
import { formatTable } from '../terminal.ts'

/** Adds `latent demo` to the program, which is what `npm start` runs. */
export function demoCommand(program: Command): void {
  program
    .command('demo')
    .description('draw a picture, seal it, open it, and show what happened')
    .option('-o, --output <folder>', 'where the files go (its earlier demo files are replaced)', 'latent-demo')
    .option('--width <pixels>', 'of the picture, from 48 to 4800', '960')
    .action(async ({ output, width }: { output: string; width: string }) => {
      if (!/^\d+$/.test(width) || Number(width) < 48 || Number(width) > 4800)
        throw argumentError('--width', 'a number from 48 to 4800', width)
      await demo(output, Number(width))
    })
}

async function demo(output: string, width: number): Promise<void> {
  const folders = { plain: join(output, 'plain'), sealed: join(output, 'sealed'), opened: join(output, 'opened') }
  for (const folder of Object.values(folders)) await rm(folder, { recursive: true, force: true })
  const plain = encodePng(drawScene(width, Math.round((width * 2) / 3)))
  await publish(join(folders.plain, 'lake.png'), [plain])

  const identity = await generateX25519Identity()
  const album = await createAlbum({ recipients: [await identityToRecipient(identity)] })
  const { flows, close } = sharedFlow()
  try {
    const { id: weights } = await sealingWeights()
    await flows(weights)
    const sealing = performance.now()
    const common = { flows, lockName: toHex(randomBytes(8)) }
    const sealed = await only(
      sealFiles({
        ...common,
        inputs: [folders.plain],
        output: folders.sealed,
        album,
        body: { type: 'exact-flow+aes-256-gcm', weights },
        check: false,
      }),
    )
    const opening = performance.now()
    const opened = await only(
      openFiles({
        flows,
        inputs: [folders.sealed],
        output: folders.opened,
        keyring: new Keyring({ identities: [identity] }),
      }),
    )
    const ended = performance.now()

    const back = new Uint8Array(await readFile(opened.target!))
    const exact = toHex(sha256Of(back)) === toHex(sha256Of(plain))
    const speed = (milliseconds: number) => `${formatBytes((plain.length / milliseconds) * 1000)}/s`
    process.stdout.write(
      `${formatTable([
        ['', 'bytes', 'speed', 'file'],
        ['drawn', String(plain.length), '', join(folders.plain, 'lake.png')],
        ['sealed', String(sealed.sealedBytes), speed(opening - sealing), sealed.target!],
        ['opened', String(back.length), speed(ended - opening), opened.target!],
      ])}\n\nexact: ${exact ? 'yes, bit for bit' : 'no'} (SHA-256 ${toHex(sha256Of(back)).slice(0, 16)}...)\n`,
    )
    process.stdout.write(`look at the pictures; then: npx latent --help\n`)
    if (!exact)
      throw new LatentError('E_HASH', 'what came out is not what went in', {
        hint: 'report it, with what latent doctor prints',
      })
  } finally {
    await close()
  }
}

async function only<T extends { status: string; reason?: string }>(results: AsyncIterable<T>): Promise<T> {
  for await (const result of results) {
    if (result.status === 'done') return result
    throw new LatentError('E_INTERNAL', `the demonstration failed: ${result.reason}`)
  }
  throw new LatentError('E_INTERNAL', 'the demonstration found no file')
}
