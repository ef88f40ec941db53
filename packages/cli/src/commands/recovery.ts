import { LatentError } from '@latent/core'
import { publish } from '@latent/core/node'
import { decodeKeyText, Keyring, recipientOf, select, Vault } from '@latent/vault'
import { identityOfWords, recoverySheet } from '@latent/vault/recovery'
import { verifyVault } from '@latent/vault/node'
import type { Command } from 'commander'
import { sharedFlow } from '../flows.ts'
import { readIdentities } from '../keys/identities.ts'
import { readKeyInput } from '../keys/input.ts'
import { warnings } from '../keys/warnings.ts'
import { shown } from '../terminal.ts'
import { storeAt } from './vault/access.ts'

interface Options {
  readonly identity: string
  readonly identityPassphraseFile?: string
  readonly words: string
  readonly output: string
  readonly vault?: string
}

/** The one identity of a file. @throws E_ARGUMENT if there are more: a sheet is for one key */
async function oneIdentity({ identity, identityPassphraseFile }: Options): Promise<string> {
  const found = await readIdentities([identity], { identityPassphraseFile, warn: warnings(false) })
  if (found.length !== 1)
    throw new LatentError('E_ARGUMENT', `a sheet is for one key, and the file holds ${found.length}`, {
      hint: 'put each into a file of its own',
    })
  return found[0]!
}

async function wordsOf({ words }: Options): Promise<string> {
  const { bytes, name } = await readKeyInput(words)
  return identityOfWords(decodeKeyText(bytes, name))
}

/** `latent recovery make`, `test` and `use`. */
export function recoveryCommands(program: Command): void {
  const recovery = program
    .command('recovery')
    .description('a sheet of paper from which a lost key comes back: words, and a code to scan')
  recovery
    .command('make')
    .description('write the sheet of a key, as SVG: print it, and delete the file')
    .requiredOption('-i, --identity <file>', 'the identity file, as latent keygen writes it')
    .option('--identity-passphrase-file <file>', 'its passphrase, if age -p encrypted it; otherwise it asks')
    .requiredOption('-o, --output <file>', 'where the sheet goes: sheet.svg')
    .option('--vault <address>', 'where the photos are, for the sheet to say')
    .action(async (options: Options) => {
      const identity = await oneIdentity(options)
      const recipient = await recipientOf(identity)
      const sheet = recoverySheet(identity, { recipient, ...(options.vault ? { vault: options.vault } : {}) })
      await publish(options.output, [new TextEncoder().encode(sheet)], { mode: 0o600 })
      process.stdout.write(shown`sheet    ${options.output}\nkey      ${recipient}\n`)
      process.stderr.write(
        'It is as secret as the key: print it, and delete the file.\n' +
          'Then type the words from the paper into a file, and run latent recovery test.\n',
      )
    })
  recovery
    .command('test')
    .description('a drill: do the words from the paper give the key back, and does it open what it should?')
    .requiredOption('-i, --identity <file>', 'the identity file that the sheet was made of')
    .option('--identity-passphrase-file <file>', 'its passphrase, if age -p encrypted it; otherwise it asks')
    .requiredOption('--words <file>', 'the words, as you typed them from the paper; - reads standard input')
    .option('--vault <address>', 'open a photo of this vault with what the words give')
    .action(async (options: Options) => {
      const [found, expected] = [await wordsOf(options), await oneIdentity(options)]
      if ((await recipientOf(found)) !== (await recipientOf(expected)))
        throw new LatentError('E_NO_MATCH', 'these are the words of another key', {
          hint: 'look which sheet belongs to which key: both say what the key is called in public',
        })
      process.stdout.write('words    they give this key back\n')
      if (options.vault !== undefined) await openOne(options.vault, found)
    })
  recovery
    .command('use')
    .description('write the identity file that the words of a sheet stand for')
    .requiredOption('--words <file>', 'the words in order; - reads standard input')
    .requiredOption('-o, --output <file>', 'where the identity file goes')
    .action(async (options: Options) => {
      const identity = await wordsOf(options)
      const recipient = await recipientOf(identity)
      const file = `# recovered: ${new Date().toISOString()}\n# public key: ${recipient}\n${identity}\n`
      await publish(options.output, [new TextEncoder().encode(file)], { mode: 0o600 })
      process.stdout.write(shown`key      ${recipient}\nfile     ${options.output}\n`)
    })
}

/** Opens a photo to its last byte, with nothing but the words. @throws E_PARTIAL */
async function openOne(address: string, identity: string): Promise<void> {
  const store = await storeAt(address)
  const { flows, close } = sharedFlow()
  try {
    const vault = await Vault.open(store, { keyring: new Keyring({ identities: [identity] }) })
    const photos = select(vault, {})
    const photo = photos[Math.floor(Math.random() * photos.length)]
    if (!photo) {
      process.stdout.write('vault    it opens; there is no photo in it yet\n')
      return
    }
    for await (const { status, reason } of verifyVault({ vault, photos: [photo], flows }))
      if (status !== 'done')
        throw new LatentError('E_PARTIAL', `a photo of the vault does not open: ${reason}`, {
          hint: 'latent vault verify says what is damaged',
        })
    process.stdout.write(shown`vault    it opens, and so does ${photo.path}\n`)
  } finally {
    await close()
    await store.close()
  }
}
