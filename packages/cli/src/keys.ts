import { argumentError, fromHex, LatentError, sha256Of, toHex } from '@latent/core'
import { Keyring, type Lock } from '@latent/vault'
import { ioError } from '@latent/vault/node'
import { isCancel, password } from '@clack/prompts'
import { identityToRecipient } from 'age-encryption'
import { readFile, stat } from 'node:fs/promises'

const MAX_KEY_FILE = 1 << 20

async function readText(path: string): Promise<string> {
  try {
    if (path === '-') return await readStandardInput()
    const { size } = await stat(path)
    if (size > MAX_KEY_FILE) throw new LatentError('E_KEY', `${path} is too large for a key file`)
    return await readFile(path, 'utf8')
  } catch (error) {
    throw ioError(error, `cannot read ${path}`)
  }
}

async function readStandardInput(): Promise<string> {
  const parts: Buffer[] = []
  for await (const part of process.stdin) parts.push(part as Buffer)
  return Buffer.concat(parts).toString('utf8')
}

/** Lines that are neither empty nor comments. */
const keyLines = (text: string) => text.split(/\r?\n/).map(line => line.trim()).filter(line => line !== '' && !line.startsWith('#'))

export async function readIdentities(paths: readonly string[]): Promise<string[]> {
  const identities = (await Promise.all(paths.map(readText))).flatMap(keyLines)
  if (paths.length > 0 && identities.length === 0) throw new LatentError('E_KEY', 'the identity file holds no identity', { hint: 'latent keygen -o FILE makes one' })
  return identities
}

/** A passphrase is the first line of its file, without the line end. */
async function readPassphrase(path: string): Promise<string> {
  const line = (await readText(path)).split(/\r?\n/, 1)[0]!
  if (line === '') throw new LatentError('E_KEY', 'the passphrase file is empty')
  return line
}

async function ask(message: string): Promise<string> {
  const answer = await password({ message, output: process.stderr })
  if (isCancel(answer)) throw new LatentError('E_KEY', 'no passphrase was given')
  return answer
}

/** For options that may be repeated: one value each time, so that inputs may follow. */
export const repeated = (value: string, before: readonly string[] = []): string[] => [...before, value]

export interface LockOptions {
  readonly recipient?: string[]
  readonly recipientsFile?: string[]
  readonly identity?: string[]
  readonly passphraseFile?: string
}

/** Whom to seal for, and a name that differs when they do. Prompts if nothing was given. */
export async function chooseLock({ recipient = [], recipientsFile = [], identity = [], passphraseFile }: LockOptions): Promise<{ lock: Lock; name: string }> {
  const listed = (await Promise.all(recipientsFile.map(readText))).flatMap(keyLines)
  const own = await Promise.all((await readIdentities(identity)).map(ownRecipient))
  const recipients = [...new Set([...recipient, ...listed, ...own])]
  if (recipients.length > 0 && passphraseFile !== undefined) throw new LatentError('E_ARGUMENT', 'recipients and a passphrase cannot be mixed', { hint: 'age allows one or the other' })
  if (recipients.length > 0) return { lock: { recipients }, name: toHex(sha256Of(new TextEncoder().encode(recipients.toSorted().join('\n')))) }
  if (recipientsFile.length > 0) throw new LatentError('E_KEY', 'the recipients file holds no recipient')
  if (passphraseFile !== undefined) return { lock: { passphrase: await readPassphrase(passphraseFile) }, name: 'passphrase' }
  if (!process.stdin.isTTY || !process.stderr.isTTY) {
    throw new LatentError('E_ARGUMENT', 'for whom to seal was not said', { hint: 'give -r RECIPIENT, -R FILE, -i IDENTITY or --passphrase-file FILE; latent keygen makes a key pair' })
  }
  const passphrase = await ask('Passphrase')
  if (passphrase !== (await ask('The same again'))) throw new LatentError('E_KEY', 'the two passphrases differ')
  return { lock: { passphrase }, name: 'passphrase' }
}

async function ownRecipient(identity: string): Promise<string> {
  try {
    return await identityToRecipient(identity)
  } catch {
    throw new LatentError('E_KEY', 'an age identity is malformed', { hint: 'identities start with AGE-SECRET-KEY-' })
  }
}

/** The keys to open with. Prompts for a passphrase if nothing was given. */
export async function chooseKeyring({ identity = [], passphraseFile }: Pick<LockOptions, 'identity' | 'passphraseFile'>): Promise<Keyring> {
  const identities = await readIdentities(identity)
  if (passphraseFile !== undefined) return new Keyring({ identities, passphrases: [await readPassphrase(passphraseFile)] })
  if (identities.length > 0) return new Keyring({ identities })
  if (!process.stdin.isTTY || !process.stderr.isTTY) throw new LatentError('E_ARGUMENT', 'no key to open with was given', { hint: 'give -i IDENTITY or --passphrase-file FILE' })
  return new Keyring({ passphrases: [await ask('Passphrase')] })
}

/** A pixel-mode key: 64 hexadecimal digits, 32 raw bytes, or the JSON text of a scheme that has key files of its own. */
export async function readCipherKey(path: string): Promise<Uint8Array> {
  let bytes: Uint8Array
  try {
    if ((await stat(path)).size > MAX_KEY_FILE) throw new LatentError('E_KEY', `${path} is too large for a key file`)
    bytes = new Uint8Array(await readFile(path))
  } catch (error) {
    throw ioError(error, `cannot read ${path}`)
  }
  if (bytes.length === 32) return bytes
  if (bytes[0] === 0x7b) return bytes
  const [text] = keyLines(new TextDecoder().decode(bytes))
  if (text === undefined || !/^[0-9a-f]{64}$/i.test(text)) throw new LatentError('E_KEY', `${path} does not hold a cipher key`, { hint: 'latent keygen --cipher -o FILE makes one: 64 hexadecimal digits' })
  return fromHex(text.toLowerCase())
}

export function parseNonce(text: string | undefined): Uint8Array | undefined {
  if (text === undefined) return undefined
  if (!/^([0-9a-f]{2}){1,64}$/i.test(text)) throw argumentError('--nonce', 'at most 64 bytes in hexadecimal', text)
  return fromHex(text.toLowerCase())
}
