import { LatentError, randomBytes, toHex } from '@latent/core'
import { holdLock, publish } from '@latent/core/node'
import { drawPassphrase, PASSPHRASE_WORDS } from '@latent/vault'
import { generateHybridIdentity, generateX25519Identity, identityToRecipient } from 'age-encryption'
import type { Command } from 'commander'
import { lstat } from 'node:fs/promises'
import { handOver } from '../ending.ts'
import { readKeyInput } from '../keys/input.ts'
import { shown } from '../terminal.ts'

interface KeygenOptions {
  readonly output?: string
  readonly postQuantum?: boolean
  readonly cipher?: boolean
  readonly passphrase?: boolean
  readonly force?: boolean
}

/** More old keys than these beside a key are somebody's mistake. */
const MOST_OLD = 1000

/** Adds `latent keygen` to the program. Secrets go to a private file, or to standard output and nowhere else. */
export function keygenCommand(program: Command): void {
  program
    .command('keygen')
    .description('make a key pair (an age identity), a cipher key for pixel mode, or a passphrase')
    .option('-o, --output <file>', 'write the secret there (readable by you alone) instead of standard output')
    .option('--post-quantum', 'a hybrid of X25519 and ML-KEM-768; recipients are about 2,000 characters long')
    .option('--cipher', 'a 32-byte key for latent encrypt and decrypt')
    .option('--passphrase', `${PASSPHRASE_WORDS} words drawn at random from 2,048, for --passphrase-file`)
    .option('--force', 'where FILE holds a key already: keep that as FILE.old and write the new one')
    .action(async (options: KeygenOptions) => {
      if ([options.cipher, options.postQuantum, options.passphrase].filter(Boolean).length > 1)
        throw new LatentError('E_ARGUMENT', '--cipher, --post-quantum and --passphrase exclude each other')
      if (options.cipher) return deliver(`${toHex(randomBytes(32))}\n`, options)
      if (options.passphrase) return deliver(`${await drawPassphrase()}\n`, options)
      const identity = await (options.postQuantum ? generateHybridIdentity() : generateX25519Identity())
      const recipient = await identityToRecipient(identity)
      // The layout that age-keygen writes and age reads.
      await deliver(`# created: ${new Date().toISOString()}\n# public key: ${recipient}\n${identity}\n`, options)
      if (options.output !== undefined) process.stdout.write(`${recipient}\n`)
    })
}

async function deliver(secret: string, { output, force = false }: KeygenOptions): Promise<void> {
  if (output === undefined) {
    await handOver(secret)
    return tell('Keep this secret')
  }
  const old = await (force ? replaceKey : makeKey)(output, secret)
  if (old !== undefined)
    process.stderr.write(shown`The old key is now ${old}: what was sealed for it opens with it alone.\n`)
  tell(shown`Keep a copy of ${output}`)
}

const HINT = 'choose another name; --force keeps the old key as FILE.old'

async function makeKey(output: string, secret: string): Promise<undefined> {
  await publish(output, [new TextEncoder().encode(secret)], { mode: 0o600, hint: HINT })
}

/** Of two at once, the second keeps the key that the first has made. @returns where the old one is kept */
async function replaceKey(output: string, secret: string): Promise<string | undefined> {
  const lock = await holdLock(`${output}.lock`, `is making ${output} anew`, 0o600)
  try {
    const kept = await keepOld(output)
    if (!kept) return await makeKey(output, secret)
    const isKept = async () => kept.bytes.equals((await readKeyInput(output)).bytes)
    await publish(output, [new TextEncoder().encode(secret)], { mode: 0o600, hint: HINT, replace: isKept })
    return kept.old
  } finally {
    await lock.release()
  }
}

/** Without this the first loss of a disk teaches it. */
const tell = (what: string): void =>
  void process.stderr.write(
    `${what} in another place: whoever loses it loses everything that is sealed for it, and nobody can help then.\n`,
  )

/** Writes the key that is there under another name, before anything takes its place. */
async function keepOld(output: string): Promise<{ readonly old: string; readonly bytes: Buffer } | undefined> {
  if (!(await lstat(output).catch(() => undefined))?.isFile()) return undefined
  const bytes = Buffer.from((await readKeyInput(output)).bytes)
  for (let i = 1; i <= MOST_OLD; i++) {
    const old = `${output}.old${i === 1 ? '' : i}`
    try {
      await publish(old, [bytes], { mode: 0o600 })
      return { old, bytes }
    } catch (error) {
      if (!(error instanceof LatentError) || error.code !== 'E_EXISTS') throw error
    }
  }
  throw new LatentError('E_EXISTS', `${output}.old and ${MOST_OLD - 1} more old keys are there`, {
    hint: 'choose another name',
  })
}
