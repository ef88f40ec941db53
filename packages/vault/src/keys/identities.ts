import { LatentError } from '@latent/core'
import { armor, Decrypter, type Identity, identityToRecipient } from 'age-encryption'
import { parseSshPrivateKey, SSH_PUBLIC_LINE, sshPublicLine } from './ssh.ts'
import { sshIdentity } from './ssh-age.ts'
import { linesOf } from './text.ts'

/** What cannot be used of a file of identities, and why. Never what it says. */
export interface KeyProblem {
  readonly line: number
  readonly reason: string
  readonly hint: string
}

/** What a file of identities holds. */
export interface IdentityFile {
  /** `AGE-SECRET-KEY-...`, or an SSH private key from BEGIN to END. */
  readonly identities: readonly string[]
  readonly problems: readonly KeyProblem[]
}

/** Reads what can be used: a line of another program must not make the keys beside it useless. */
export function parseIdentities(text: string): IdentityFile {
  const identities: string[] = []
  const problems: KeyProblem[] = []
  for (const { line, entry } of entries(text)) {
    try {
      const identity = normalIdentity(entry)
      ageIdentity(identity)
      identities.push(identity)
    } catch (error) {
      if (!(error instanceof LatentError)) throw error
      problems.push({ line, reason: error.message, hint: error.hint ?? 'take the line out' })
    }
  }
  return { identities, problems }
}

/** Lines that are neither empty nor comments; from BEGIN to END as one. */
function* entries(text: string): Generator<{ line: number; entry: string }> {
  let block: { line: number; lines: string[] } | undefined
  for (const [i, raw] of linesOf(text).entries()) {
    const line = raw.trim()
    if (block) {
      block.lines.push(line)
      if (!line.startsWith('-----END ')) continue
      yield { line: block.line, entry: block.lines.join('\n') }
      block = undefined
    } else if (line.startsWith('-----BEGIN ')) block = { line: i + 1, lines: [line] }
    else if (line !== '' && !line.startsWith('#')) yield { line: i + 1, entry: line }
  }
  if (block) yield { line: block.line, entry: block.lines[0]! }
}

function normalIdentity(entry: string): string {
  const upper = entry.toUpperCase()
  if (entry.startsWith('-----BEGIN ')) return entry
  // Bech32 is of one case.
  if (upper.startsWith('AGE-SECRET-KEY-')) return entry === entry.toLowerCase() ? upper : entry
  const plugin = /^AGE-PLUGIN-([A-Z0-9+._-]+)-1/.exec(upper)?.[1]?.toLowerCase()
  if (plugin !== undefined)
    throw new LatentError('E_KEY', `this identity needs the plugin age-plugin-${plugin}, and Latent runs no plugins`, {
      hint: 'keep a key of latent keygen beside it, and seal for that',
    })
  if (upper.startsWith('AGE1'))
    throw new LatentError('E_KEY', 'this is a public recipient, and opening takes the secret identity', {
      hint:
        'give the file that holds AGE-SECRET-KEY-...; to seal for this recipient, ' +
        'give it with -r, or the file with -R',
    })
  if (SSH_PUBLIC_LINE.test(entry))
    throw new LatentError('E_KEY', 'this is a public SSH key, and opening takes the private one', {
      hint: 'give the file without .pub; to seal for this key, give the file with -R',
    })
  if (entry.startsWith('PuTTY-User-Key-File'))
    throw new LatentError('E_KEY', 'this is a key of PuTTY', {
      hint: 'puttygen KEY -O private-openssh-new -o NEW makes one that Latent reads',
    })
  throw new LatentError('E_KEY', 'this is no identity', {
    hint: 'identities start with AGE-SECRET-KEY-; latent keygen -o FILE makes one',
  })
}

/** What age's decrypter takes for an identity. @throws E_KEY, without quoting it */
export function ageIdentity(identity: string): string | Identity {
  if (!identity.startsWith('-----BEGIN ')) {
    try {
      new Decrypter().addIdentity(identity)
    } catch {
      // The cause could quote the identity.
      throw new LatentError('E_KEY', 'an age identity is malformed', {
        hint: 'identities start with AGE-SECRET-KEY-, in capitals, and are copied whole',
      })
    }
    return identity
  }
  if (identity.startsWith('-----BEGIN OPENSSH PRIVATE KEY-----\n')) return sshIdentity(parseSshPrivateKey(identity))
  if (identity.startsWith('-----BEGIN AGE ENCRYPTED FILE-----'))
    throw new LatentError('E_KEY', 'an encrypted identity stands among others', {
      hint: 'keep it in a file of its own, and give that with -i too',
    })
  if (/^-----BEGIN [A-Z0-9 ]*PRIVATE KEY-----\n/.test(identity))
    throw new LatentError('E_KEY', 'this private key is not in the form of OpenSSH', {
      hint: 'ssh-keygen -p -f COPY writes a copy of it in that form',
    })
  throw new LatentError('E_KEY', 'this is no identity, or it is cut off', {
    hint: 'identities start with AGE-SECRET-KEY-, or are SSH private keys from BEGIN to END',
  })
}

/** The recipient that belongs to an identity. @throws E_KEY */
export async function recipientOf(identity: string): Promise<string> {
  if (identity.startsWith('-----BEGIN ')) return sshPublicLine(parseSshPrivateKey(identity))
  ageIdentity(identity)
  return identityToRecipient(identity)
}

const BINARY = 'age-encryption.org/v1\n'
const ARMOR = '-----BEGIN AGE ENCRYPTED FILE-----'

/**
 * The binary age file that a file is, if it is one, armored or not: identities that `age -p` has encrypted.
 * @throws E_KEY for damaged armor
 */
export function encryptedFile(bytes: Uint8Array): Uint8Array | undefined {
  const start = new TextDecoder('latin1').decode(bytes.subarray(0, 256))
  if (start.startsWith(BINARY)) return bytes
  if (!start.trimStart().startsWith(ARMOR)) return undefined
  try {
    return armor.decode(new TextDecoder().decode(bytes))
  } catch {
    throw new LatentError('E_KEY', 'the armor of the encrypted identity is damaged', {
      hint: 'copy the file again, from BEGIN to END',
    })
  }
}
