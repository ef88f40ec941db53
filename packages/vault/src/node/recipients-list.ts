import { LatentError, sha256Of, toHex } from '@latent/core'
import { publish } from '@latent/core/node'
import { Encrypter } from 'age-encryption'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { decryptEnvelope, type Keys } from '../envelope.ts'
import { ageRecipient, parseRecipients } from '../keys/recipients.ts'
import { isOwnFile, RECIPIENTS } from './own-files.ts'

/**
 * Who can open what is in a folder. Envelopes do not tell; so whoever changes them keeps a list, encrypted for those
 * who are on it: recipients as age writes them, and in remarks the envelopes that were made for them.
 */
export interface RecipientsList {
  readonly recipients: readonly string[]
  /** SHA-256 of envelopes, in hexadecimal. */
  readonly envelopes: ReadonlySet<string>
  /** Of those that they take the place of: a run that is stopped leaves some. */
  readonly replaced: ReadonlySet<string>
}

/** How the list names an envelope. */
export const envelopeHash = (envelope: Uint8Array): string => toHex(sha256Of(envelope))

/** @returns nothing if there is none, or none that these keys open */
export async function readRecipientsList(folder: string, keys: Keys): Promise<RecipientsList | undefined> {
  const file = await readFile(join(folder, RECIPIENTS)).catch(() => undefined)
  if (!file) return undefined
  try {
    const text = new TextDecoder().decode(await decryptEnvelope(new Uint8Array(file), keys))
    const hashes = (what: string) =>
      new Set(Array.from(text.matchAll(new RegExp(`^# ${what} ([0-9a-f]{64})$`, 'gm')), ([, hash]) => hash!))
    return {
      recipients: parseRecipients(text, RECIPIENTS),
      envelopes: hashes('envelope'),
      replaced: hashes('replaced'),
    }
  } catch (error) {
    if (error instanceof LatentError) return undefined
    throw error
  }
}

/** Replaces the list of a folder. @throws E_IO; E_EXISTS if something else has its name */
export async function writeRecipientsList(folder: string, list: RecipientsList): Promise<void> {
  const encrypter = new Encrypter()
  for (const recipient of list.recipients) encrypter.addRecipient(ageRecipient(recipient))
  const lines = [
    '# Who can open the sealed files of this folder, as latent recipients has it.',
    ...list.recipients,
    ...Array.from(list.envelopes, hash => `# envelope ${hash}`),
    ...Array.from(list.replaced, hash => `# replaced ${hash}`),
  ]
  const file = await encrypter.encrypt(`${lines.join('\n')}\n`)
  await publish(join(folder, RECIPIENTS), [file], { replace: isOwnFile })
}
