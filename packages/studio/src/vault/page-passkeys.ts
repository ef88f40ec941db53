import { Stanza, webauthn } from 'age-encryption'
import type { Passkeys } from './passkey.ts'

/** Passkeys belong to a name: pages from disk and at a number have none. */
export const passkeysAre = (): 'here' | 'by name' | 'none' => {
  if (!globalThis.isSecureContext || !('PublicKeyCredential' in globalThis) || location.hostname === '') return 'none'
  return /^[\d.]+$|:/.test(location.hostname) ? 'by name' : 'here'
}

/** Makes a passkey. @returns nothing where the person or the browser refuses */
export const makePasskey = (name: string): Promise<string | undefined> =>
  webauthn.createCredential({ keyName: name }).catch(() => undefined)

let last: Promise<unknown> = Promise.resolve()

/** Browsers ask for one passkey at a time. */
function inTurn<T>(ask: () => Promise<T>): Promise<T | undefined> {
  const turn = last.then(ask).catch(() => undefined)
  last = turn
  return turn
}

/** Asks the person who is there. */
export const pagePasskeys: Passkeys = {
  wrap: (choice, fileKey) =>
    inTurn(async () => {
      const made = await new webauthn.WebAuthnRecipient(choice).wrapFileKey(fileKey)
      return made.map(({ args, body }) => ({ args, body }))
    }),
  unwrap: (choice, stanzas) =>
    inTurn(async () => {
      const given = stanzas.map(({ args, body }) => new Stanza([...args], body))
      return (await new webauthn.WebAuthnIdentity(choice).unwrapFileKey(given)) ?? 'other'
    }),
}
