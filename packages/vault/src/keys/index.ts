export { encryptedFile, type IdentityFile, type KeyProblem, parseIdentities, recipientOf } from './identities.ts'
export {
  drawPassphrase,
  parsePassphraseFile,
  PASSPHRASE_WORDS,
  type PassphraseFile,
  sealingPassphrase,
} from './passphrase.ts'
export { mixesQuantumResistance, normalRecipient, parseRecipients } from './recipients.ts'
export { type Strength, strengthOf } from './strength.ts'
export { decodeKeyLines, decodeKeyText, linesOf } from './text.ts'
