import type { Image } from '@latent/core'
import { findScheme, openScheme } from '@latent/schemes'
import { describe, expect, test } from 'vitest'
import { attackPictures, findAttack, mountAttack, type Subject } from '../src/index.ts'

const KEY = new Uint8Array(32).fill(7)

/** A permutation of pixels under one key, and pictures of somebody's own. */
async function subject(
  pairs: number,
): Promise<{ readonly given: Subject; readonly encrypt: NonNullable<Subject['encrypt']> }> {
  const scheme = findScheme('fixed-permutation')
  const { cipher } = await openScheme(scheme)
  const encrypt = (plain: Image) => cipher.encrypt(plain, KEY)
  const seen: { plain: Image<'u8'>; cipher: Image }[] = []
  for (const { plain } of await attackPictures('scenes', 'others', pairs))
    seen.push({ plain, cipher: await encrypt(plain) })
  return { given: { scheme, shape: { width: 32, height: 32, channels: 3 }, seen, encrypt }, encrypt }
}

describe('an attack of the registry on a cipher of a caller', () => {
  test('opens it, counts what it asked, and says what it counted', async () => {
    const { given, encrypt } = await subject(3)
    const { plain } = (await attackPictures('scenes', 'targets', 1))[0]!
    const hidden = await encrypt(plain)
    for (const [id, budget, asked] of [
      ['coordinate-map', undefined, 1],
      ['known-map', 3, 3],
      ['known-map', 1, 1],
    ] as const) {
      const { found, queries } = await mountAttack(findAttack(id), given, budget)
      expect(queries).toBe(asked)
      if (budget === 1) continue
      expect((await found!.open!([hidden]))[0]!.data).toEqual(plain.data)
    }
    const certain = async (pairs: number) =>
      (await mountAttack(findAttack('known-map'), given, pairs)).found!.counted!['certain']!
    expect(await certain(1)).toBeLessThan(await certain(3))
    expect(await certain(3)).toBeGreaterThan(1000)
  })

  test('what the subject does not have is an error of the caller, what the threat lacks of the attack', async () => {
    const { given } = await subject(1)
    const { encrypt, ...mute } = given
    expect(encrypt).toBeDefined()
    await expect(mountAttack(findAttack('known-map'), given, 2)).rejects.toMatchObject({ code: 'E_ARGUMENT' })
    await expect(mountAttack(findAttack('coordinate-map'), mute)).rejects.toMatchObject({ code: 'E_ARGUMENT' })
    await expect(mountAttack(findAttack('many-time-pad'), given, 1)).rejects.toMatchObject({ code: 'E_ARGUMENT' })
    const greedy = { ...findAttack('known-map'), threat: 'ciphertext-only' as const }
    await expect(mountAttack(greedy, given, 1)).rejects.toMatchObject({ code: 'E_SCRIPT' })
  })
})
