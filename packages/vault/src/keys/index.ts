export { encryptedFile, type IdentityFile, type KeyProblem, parseIdentities, recipientOf } from './identities.ts'
export { parsePassphraseFile, type PassphraseFile, sealingPassphrase } from './passphrase.ts'
export { mixesQuantumResistance, normalRecipient, parseRecipients } from './recipients.ts'
export { decodeKeyLines, decodeKeyText, linesOf } from './text.ts'
