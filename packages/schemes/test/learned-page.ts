import { type Image, LatentError } from '@latent/core'
import { openScheme } from '../src/index.ts'

// Runs in a browser, called by learned-browser.test.ts.

/** A picture there and back, with the weights that the page fetches. */
export async function thereAndBack(
  id: string,
  plain: Image,
  key: Uint8Array,
  nonce: Uint8Array,
): Promise<{ cipher: Image; restored: Image }> {
  const { cipher, close } = await openScheme(id)
  try {
    const encrypted = await cipher.encrypt(plain, key, cipher.traits.randomised ? { nonce } : {})
    return { cipher: encrypted, restored: await cipher.decrypt(encrypted, key) }
  } finally {
    await close()
  }
}

/** What comes of opening a scheme whose weights are not served. */
export async function refusal(id: string): Promise<string> {
  try {
    const { close } = await openScheme(id)
    await close()
    return 'opened'
  } catch (error) {
    return error instanceof LatentError ? error.code : String(error)
  }
}
