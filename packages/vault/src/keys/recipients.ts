import { LatentError } from '@latent/core'
import { Encrypter, type Recipient } from 'age-encryption'
import { parseSshPublicKey, SSH_PUBLIC_LINE, sshPublicLine } from './ssh.ts'
import { sshRecipient } from './ssh-age.ts'
import { linesOf } from './text.ts'

/** A recipient of a plugin: its name stands between two digits 1, and the characters of the rest hold none. */
const PLUGIN = /^age1(?!(?:pq|tag|tagpq)1)([a-z0-9+._-]+)1[02-9ac-hj-np-z]+$/

/**
 * A recipient in the form in which it is compared and used: `age1...` in lower case, or an SSH public key
 * without its comment.
 * @throws E_KEY; the message never quotes what was given, which may be a secret in the wrong place
 */
export function normalRecipient(given: string): string {
  const text = given.trim()
  if (/^AGE-SECRET-KEY-|^-----BEGIN [A-Z ]*PRIVATE KEY-----/i.test(text))
    throw new LatentError('E_KEY', 'a secret identity was given in place of a recipient', {
      hint:
        'that is the secret identity; give the public recipient, age1..., ' +
        'or the file that holds the identity with -i',
    })
  if (/^AGE-PLUGIN-/i.test(text))
    throw new LatentError('E_KEY', 'an identity of an age plugin was given in place of a recipient', {
      hint: 'recipients start with age1',
    })
  if (SSH_PUBLIC_LINE.test(text)) return sshPublicLine(parseSshPublicKey(text))
  // Bech32 is of one case, and upper case makes smaller QR codes.
  const recipient = text === text.toUpperCase() ? text.toLowerCase() : text
  const plugin = PLUGIN.exec(recipient)?.[1]
  if (plugin !== undefined)
    throw new LatentError('E_KEY', `this recipient needs the plugin age-plugin-${plugin}, and Latent runs no plugins`, {
      hint: 'seal for a key of latent keygen, and encrypt the key file with age for the plugin',
    })
  try {
    new Encrypter().addRecipient(recipient)
  } catch {
    // The cause would quote what was given.
    throw new LatentError(
      'E_KEY',
      recipient.startsWith('age1')
        ? 'an age recipient is malformed: characters are missing or wrong'
        : 'this is not an age recipient',
      { hint: 'recipients start with age1, or are SSH public keys (ssh-ed25519, ssh-rsa)' },
    )
  }
  return recipient
}

/** What age's encrypter takes for it. @throws E_KEY */
export function ageRecipient(given: string): string | Recipient {
  const recipient = normalRecipient(given)
  return SSH_PUBLIC_LINE.test(recipient) ? sshRecipient(parseSshPublicKey(recipient)) : recipient
}

/**
 * The recipients of a file, one a line. All or none: to seal for fewer than are listed would lock somebody out.
 * @param what names the file in messages
 * @throws E_KEY with the number of the line
 */
export function parseRecipients(text: string, what: string): string[] {
  const recipients = linesOf(text).flatMap((line, i) => {
    if (line.trim() === '' || line.trimStart().startsWith('#')) return []
    try {
      return [normalRecipient(line)]
    } catch (error) {
      if (!(error instanceof LatentError)) throw error
      throw new LatentError(
        error.code,
        `${what}, line ${i + 1}: ${error.message}`,
        error.hint === undefined ? {} : { hint: error.hint },
      )
    }
  })
  if (recipients.length === 0)
    throw new LatentError('E_KEY', `${what} holds no recipient`, {
      hint: 'write one into each line: age1... or ssh-ed25519 ...',
    })
  return recipients
}

/**
 * Whether some recipients resist quantum computers and others do not. Whoever records the file can then wait
 * for one that breaks the weaker kind: the stronger recipients gain nothing.
 */
export function mixesQuantumResistance(recipients: readonly string[]): boolean {
  const resistant = recipients.filter(recipient => /^age1(?:pq|tagpq)1/i.test(recipient)).length
  return resistant > 0 && resistant < recipients.length
}
