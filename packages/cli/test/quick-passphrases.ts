import type * as Age from 'age-encryption'
import { vi } from 'vitest'

/**
 * Import it first: what this test file's process seals with a passphrase takes a millisecond of scrypt instead of a
 * second, and opens as fast. That the command itself takes a second is tested where envelopes are.
 */
vi.mock('age-encryption', async original => {
  const age = await original<typeof Age>()
  return {
    ...age,
    Encrypter: class extends age.Encrypter {
      override setPassphrase(passphrase: string): void {
        super.setPassphrase(passphrase)
        this.setScryptWorkFactor(8)
      }
    },
  }
})
