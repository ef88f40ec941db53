import { LatentError } from '@latent/core'
import {
  decodeKeyLines,
  decryptEnvelope,
  encryptedFile,
  type IdentityFile,
  type KeyProblem,
  parseIdentities,
} from '@latent/vault'
import { readKeyInput, warnIfExposed } from './input.ts'
import { ask, identityPassphrase, onTerminal } from './passphrases.ts'
import type { Warn } from './warnings.ts'

/** Lines of one file that are named one by one; a picture given as a key file has thousands. */
const NAMED = 5

interface Problem extends Omit<KeyProblem, 'line'> {
  readonly code: LatentError['code']
  readonly place: string
}

/**
 * The identities of all files. What cannot be used beside others is told and passed over.
 * @throws E_KEY if none can be used, naming file and line; E_NO_MATCH if the passphrase of the only one is wrong; E_IO
 */
export async function readIdentities(
  paths: readonly string[],
  { identityPassphraseFile, warn }: { identityPassphraseFile?: string | undefined; warn: Warn },
): Promise<string[]> {
  const identities: string[] = []
  const problems: Problem[] = []
  let passphrase: Promise<string> | undefined
  // One after the other: each may ask for a passphrase.
  for (const path of paths) {
    const input = await readKeyInput(path)
    const { name, bytes } = input
    try {
      const encrypted = encryptedFile(bytes)
      if (encrypted && identityPassphraseFile !== undefined)
        passphrase ??= identityPassphrase(identityPassphraseFile, warn)
      const file = parseIdentities(decodeKeyLines(encrypted ? await decrypted(encrypted, name, passphrase) : bytes))
      if (file.identities.length > 0 && !encrypted) warnIfExposed(input, warn)
      identities.push(...file.identities)
      problems.push(...named(file, name))
      if (file.identities.length + file.problems.length === 0)
        problems.push({
          code: 'E_KEY',
          place: name,
          reason: 'the file holds no identity',
          hint: 'latent keygen -o FILE makes one',
        })
    } catch (error) {
      if (!(error instanceof LatentError) || (error.code !== 'E_KEY' && error.code !== 'E_NO_MATCH')) throw error
      problems.push({
        code: error.code,
        place: name,
        reason: error.message,
        hint: error.hint ?? 'latent keygen -o FILE makes one',
      })
    }
  }
  const [first] = problems
  if (identities.length === 0 && first)
    throw new LatentError(
      first.code,
      `${first.place}: ${first.reason}` +
        (problems.length > 1 ? `; no other line that was given can be used either (${problems.length} in all)` : ''),
      { hint: first.hint },
    )
  for (const { place, reason, hint } of problems)
    warn({ code: 'W_IDENTITY_SKIPPED', message: `${place}: ${reason}; it is passed over`, hint })
  return [...new Set(identities)]
}

function named({ problems }: IdentityFile, name: string): Problem[] {
  const shown = problems
    .slice(0, NAMED)
    .map(({ line, reason, hint }) => ({ code: 'E_KEY' as const, place: `${name}, line ${line}`, reason, hint }))
  if (problems.length <= NAMED) return shown
  return [
    ...shown,
    {
      code: 'E_KEY',
      place: name,
      reason: `${problems.length - NAMED} more lines are no identities`,
      hint: 'is it the right file?',
    },
  ]
}

/** What `age -p` encrypted. */
async function decrypted(file: Uint8Array, name: string, given: Promise<string> | undefined): Promise<Uint8Array> {
  if (!given && !onTerminal())
    throw new LatentError('E_KEY', 'the identity is encrypted with a passphrase, and none was given', {
      hint: 'give --identity-passphrase-file FILE, or run it in a terminal',
    })
  const passphrase = await (given ?? ask(`Passphrase of ${name}`))
  try {
    return await decryptEnvelope(file, { passphrases: [passphrase] })
  } catch (error) {
    if (!(error instanceof LatentError)) throw error
    if (error.code === 'E_NO_MATCH')
      throw new LatentError(
        'E_NO_MATCH',
        'the passphrase does not open this encrypted identity',
        error.hint === undefined ? {} : { hint: error.hint },
      )
    throw new LatentError('E_KEY', 'the encrypted identity is malformed or damaged', {
      hint: 'copy the file again; files that age -p made are read',
    })
  }
}
