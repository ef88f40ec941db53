import { LatentError } from '@latent/core'
import { sealingWeights } from '@latent/schemes/exact-flow'
import { BODY_TYPES, type BodyType, Vault } from '@latent/vault'
import { addFiles, QueueCrew } from '@latent/vault/node'
import type { Command } from 'commander'
import { untilInterrupted } from '../../ending.ts'
import { sharedFlow } from '../../flows.ts'
import { chooseLock, type LockOptions, repeated } from '../../keys/index.ts'
import { reportRun, runDisplay } from '../../run-report.ts'
import { jsonLine, shown } from '../../terminal.ts'
import { oneAlbum, storeAt, vaultCommand, type VaultOptions, withVault } from './access.ts'
import { queueAt } from './queue.ts'
import { SANDBOX } from './sandbox.ts'
import { openThumbnailer } from './thumbnailer.ts'

interface InitOptions extends LockOptions {
  readonly album?: string
}

/** `latent vault init`. */
export function initCommand(parent: Command): void {
  vaultCommand(parent, 'init', 'make a vault, for the owner of an identity and other recipients')
    .option('-r, --recipient <recipient>', 'an age recipient, or an SSH public key; may be repeated', repeated)
    .option('-R, --recipients-file <file>', 'a file of recipients, one a line; may be repeated', repeated)
    .option('--album <name>', 'the name of its first album', 'photos')
    .action(async (address: string, options: InitOptions) => {
      if (options.passphraseFile !== undefined || !(options.identity ?? options.recipient ?? options.recipientsFile))
        throw new LatentError('E_ARGUMENT', 'a vault is made for recipients, not for a passphrase', {
          hint: 'latent keygen -o ME.key makes a key pair; then give -i ME.key',
        })
      const { lock } = await chooseLock(options)
      const store = await storeAt(address)
      try {
        const recipients = 'recipients' in lock ? lock.recipients : []
        const vault = await Vault.init(store, recipients, { album: options.album ?? 'photos' })
        process.stdout.write(
          options.json
            ? jsonLine({ vault: store.address, id: vault.id, members: recipients.length })
            : shown`vault    ${store.address}\nmembers  ${recipients.length}\n`,
        )
      } finally {
        await store.close()
      }
    })
}

interface AddOptions extends VaultOptions {
  readonly into?: string
  readonly cipher: string
  readonly exclude?: string[]
  readonly reread?: boolean
  readonly thumbnails: boolean
  readonly queue?: string | true
}

/** `latent vault add`. */
export function addCommand(parent: Command): void {
  vaultCommand(parent, 'add', 'seal files and folders into a vault; what is there and unchanged is skipped')
    .argument('<input...>', 'files or folders (with everything in them)')
    .option('--album <name>', 'into this album, which is made if there is none', repeated)
    .option('--into <path>', 'a folder in the album that the paths begin with')
    .option('--cipher <type>', `how objects are sealed: ${BODY_TYPES.join(' or ')}`, 'aes-256-gcm')
    .option('--exclude <pattern>', 'leave out what matches; may be repeated', repeated)
    .option(
      '--reread',
      'compare contents where size and time say that nothing changed, and seal again what the store lost',
    )
    .option('--no-thumbnails', 'make no small pictures')
    .option('--queue [address]', 'let latent worker do it, on any machines: redis://host:6379; else LATENT_QUEUE')
    .action(async (address: string, inputs: string[], options: AddOptions) => {
      if (!BODY_TYPES.includes(options.cipher as BodyType))
        throw new LatentError('E_ARGUMENT', `there is no cipher ${JSON.stringify(options.cipher)} for objects`, {
          hint: BODY_TYPES.join(' or '),
        })
      const body =
        options.cipher === 'aes-256-gcm'
          ? ({ type: 'aes-256-gcm' } as const)
          : ({ type: 'exact-flow+aes-256-gcm', weights: (await sealingWeights()).id } as const)
      const { flows, close } = sharedFlow()
      const display = runDisplay('adding', options.json)
      try {
        await withVault(address, options, async ({ vault, store }) => {
          const [name] = options.album ?? []
          const known = name === undefined || vault.albums().some(album => album.name === name)
          const album = known ? oneAlbum(vault, options.album) : await vault.addAlbum(name, vault.main().members)
          const queue = options.queue === undefined ? undefined : await queueAt(options.queue, options.json)
          const thumbnailer = options.thumbnails && !queue ? await openThumbnailer() : undefined
          const add = async (signal: AbortSignal) => {
            const { watcher } = display
            const crew = queue && new QueueCrew({ connection: queue, vault, watcher, signal })
            try {
              const results = addFiles({
                inputs,
                vault,
                album,
                flows,
                body,
                ...(options.into === undefined ? {} : { into: options.into }),
                exclude: options.exclude ?? [],
                reread: options.reread ?? false,
                ...(thumbnailer ? { thumbnailer } : {}),
                thumbnails: options.thumbnails && (queue !== undefined || thumbnailer !== undefined),
                watcher,
                signal,
                threads: SANDBOX,
                ...(crew ? { crew } : {}),
              })
              await reportRun(results, display, { done: 'added', output: store.address })
            } finally {
              await crew?.close()
            }
          }
          await untilInterrupted(add)
        })
      } finally {
        await close()
      }
    })
}
