import { type ExactFlows } from '@latent/schemes/exact-flow'
import { collect, Keyring, openSealed, recipientKinds, streamOf } from '@latent/vault'
import type { CDPSession, Page } from 'puppeteer-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  choose,
  expectAccessible,
  giveKey,
  offered,
  press,
  pressButton,
  runQueue,
  states,
  type Studio,
} from './studio.ts'

const AUTHENTICATOR = {
  protocol: 'ctap2',
  ctap2Version: 'ctap2_1',
  transport: 'internal',
  hasResidentKey: true,
  hasUserVerification: true,
  hasPrf: true,
  isUserVerified: true,
  automaticPresenceSimulation: true,
} as const

/** Tests of passkeys, with an authenticator that Chromium makes. */
export function passkeyTests(studio: () => Studio, identity: string, flows: ExactFlows['flows']): void {
  const photo = Uint8Array.from({ length: 20_000 }, (_, i) => (i * i + (i >> 3)) & 255)
  describe('passkeys', () => {
    let page: Page
    let client: CDPSession
    let authenticatorId: string
    beforeAll(async () => {
      page = await studio().open(studio().server.address.replace('127.0.0.1', 'localhost'))
      client = await page.createCDPSession()
      await client.send('WebAuthn.enable')
      ;({ authenticatorId } = await client.send('WebAuthn.addVirtualAuthenticator', { options: AUTHENTICATOR }))
    })
    afterAll(() => page.close())

    test('one opens what was sealed, and so does the key file beside it', async () => {
      await choose(studio(), page, '#choose-files', { 'p.jpg': photo })
      await giveKey(studio(), page, identity)
      await pressButton(page, 'Make a passkey that opens too')
      await page.waitForSelector('.passkey')
      await expectAccessible(page)
      await runQueue(page)
      const sealed = await offered(page, '.queue li.done', 'Download')
      const byKey = await openSealed(streamOf(sealed), new Keyring({ identities: [identity] }), flows)
      expect(await collect(byKey.bytes)).toEqual(photo)
      expect(recipientKinds(sealed)).toEqual(expect.arrayContaining(['X25519', 'age-encryption.org/fido2prf']))

      const openWithPasskey = async () => {
        await page.reload()
        await choose(studio(), page, '#choose-files', { 'p.jpg.png': sealed })
        await page.waitForSelector('.queue li.waiting')
        await press(page, 'input[name=key-kind][value=file]')
        await pressButton(page, 'Open with a passkey')
        await runQueue(page)
      }
      await openWithPasskey()
      expect(await offered(page, '.queue li.done', 'Download')).toEqual(photo)
      // The person does not let it.
      await client.send('WebAuthn.setUserVerified', { authenticatorId, isUserVerified: false })
      await openWithPasskey()
      expect((await states(page))[0]![1]).toMatch(/passkey was not given.*\[E_KEY\].*the key file opens the same/s)
    })

    test('none seals alone', async () => {
      await page.reload()
      await choose(studio(), page, '#choose-files', { 'q.jpg': photo })
      await press(page, 'input[name=key-kind][value=file]')
      await pressButton(page, 'Use a passkey made here')
      await page.waitForSelector('.start button:not(:disabled)')
      await press(page, '.start button')
      await page.waitForSelector('.settings .fault')
      expect(await page.$eval('.settings .fault', fault => fault.textContent)).toContain('[E_KEY]')
      expect(await page.$('.queue li.done')).toBeNull()
    })
  })
}
