import { LatentError, sha256Of, toHex } from '@latent/core'
import { generateX25519Identity, identityToRecipient, Stanza } from 'age-encryption'
import * as cctv from 'cctv-age'
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { unzlibSync } from 'fflate'
import { afterAll, describe, expect, test } from 'vitest'
import { createAlbum, decryptEnvelope, inspectSealed, Keyring, streamOf } from '../src/index.ts'
import { openBytes, sealBytes, text } from './fixtures.ts'

const found = (command: string) => spawnSync(command, ['--version']).status === 0
const folder = mkdtempSync(join(tmpdir(), 'latent-age-'))
afterAll(() => rmSync(folder, { recursive: true }))

function file(name: string, bytes: Uint8Array | string): string {
  const path = join(folder, name)
  writeFileSync(path, bytes)
  return path
}

test('an envelope is opened without all that Node has for `fetch`, which takes longer to start', async () => {
  const identity = await generateX25519Identity()
  const { envelope, key } = await createAlbum({ recipients: [await identityToRecipient(identity)] })
  const script = `
    import { Keyring } from ${JSON.stringify(new URL('../src/index.ts', import.meta.url).href)}
    const keyring = new Keyring({ identities: [${JSON.stringify(identity)}] })
    const key = await keyring.albumKey(Buffer.from('${toHex(envelope)}', 'hex'))
    const fetching = process.moduleLoadList.filter(name => name.includes('undici'))
    console.log(JSON.stringify([Buffer.from(key).toString('hex'), fetching]))`
  const out = execFileSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8' })
  expect(JSON.parse(out)).toEqual([toHex(key), []])
})

/** The envelope as it stands in the header of a sealed file. */
const envelopeOf = async (png: Uint8Array) => (await inspectSealed(streamOf(png))).header.envelope

describe.skipIf(!found('age'))('the stock age command (skipped where it is not installed)', () => {
  test('unwraps the envelope of a sealed file with the same identity', async () => {
    const identities = [await generateX25519Identity(), await generateX25519Identity()]
    const album = await createAlbum({ recipients: await Promise.all(identities.map(identityToRecipient)) })
    const envelope = file('envelope.age', await envelopeOf(await sealBytes(text('photo'), album)))
    for (const identity of identities) {
      const key = execFileSync('age', ['-d', '-i', file('identity', `${identity}\n`), envelope])
      expect(new Uint8Array(key)).toEqual(album.key)
    }
    expect(
      spawnSync('age', ['-d', '-i', file('stranger', `${await generateX25519Identity()}\n`), envelope]).status,
    ).toBe(1)
  })

  test('makes an envelope, for a key of age-keygen, that opens sealed files', async () => {
    const identity = execFileSync('age-keygen', { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] })
      .split('\n')
      .find(line => line.startsWith('AGE-SECRET-KEY-'))!
    const key = sha256Of(text('chosen elsewhere'))
    const envelope = new Uint8Array(execFileSync('age', ['-r', await identityToRecipient(identity)], { input: key }))
    const png = await sealBytes(text('photo'), { key, envelope })
    expect(await openBytes(png, new Keyring({ identities: [identity] }))).toEqual(text('photo'))
  })

  // The command reads passphrases from a terminal alone; `script` lends it one.
  describe.skipIf(!found('script'))('with passphrases (skipped without the script command)', () => {
    const phrase = 'correct horse battery staple'
    const onTerminal = (command: string, times: number) => {
      const { status, stdout } = spawnSync('script', ['-qec', command, '/dev/null'], {
        input: `${phrase}\n`.repeat(times),
        encoding: 'utf8',
        timeout: 60_000,
      })
      if (status !== 0) throw new Error(`age ended with ${status}: ${stdout}`)
    }

    test('unwraps the envelope of a sealed file', async () => {
      const album = await createAlbum({ passphrase: phrase, workFactor: 10 })
      const [envelope, key] = [
        file('phrase.age', await envelopeOf(await sealBytes(text('photo'), album))),
        join(folder, 'phrase.key'),
      ]
      onTerminal(`age -d -o ${key} ${envelope}`, 1)
      expect(new Uint8Array(readFileSync(key))).toEqual(album.key)
    })

    test('makes an envelope that opens sealed files', async () => {
      const key = sha256Of(text('chosen elsewhere too'))
      const envelope = join(folder, 'theirs.age')
      onTerminal(`age -p -o ${envelope} ${file('theirs.key', key)}`, 2)
      const png = await sealBytes(text('photo'), { key, envelope: new Uint8Array(readFileSync(envelope)) })
      expect(await openBytes(png, new Keyring({ passphrases: [phrase] }))).toEqual(text('photo'))
      await expect(openBytes(png, new Keyring({ passphrases: ['wrong'] }))).rejects.toMatchObject({
        code: 'E_NO_MATCH',
      })
    })
  })
})

/** One vector of the C2SP's age test kit. */
function parse(bytes: Uint8Array) {
  const end = bytes.findIndex((byte, i) => byte === 10 && bytes[i + 1] === 10)
  const fields: Record<string, string[]> = {}
  for (const line of new TextDecoder().decode(bytes.subarray(0, end)).split('\n')) {
    const colon = line.indexOf(': ')
    ;(fields[line.slice(0, colon)] ??= []).push(line.slice(colon + 2))
  }
  const body = bytes.slice(end + 2)
  return {
    expected: fields['expect']![0]!,
    payload: fields['payload']?.[0],
    armored: fields['armored'] !== undefined,
    keys: { identities: fields['identity'] ?? [], passphrases: fields['passphrase'] ?? [] },
    file: fields['compressed'] ? unzlibSync(body) : body,
  }
}

/** How our wrapper names what age says. A work factor that is too high is malformed to age, and a limit to us. */
const CODES: Readonly<Record<string, RegExp>> = {
  'no match': /^E_NO_MATCH$/,
  'header failure': /^E_(HEADER|LIMIT)$/,
  'HMAC failure': /^E_HEADER$/,
  'payload failure': /^E_HEADER$/,
}

describe('the age vectors of CCTV, through our envelope', () => {
  const vectors = Object.entries(cctv as unknown as Record<string, Uint8Array>).flatMap(([name, bytes]) =>
    bytes instanceof Uint8Array ? [[name, parse(bytes)] as const] : [],
  )
  const binary = vectors.filter(([, { armored }]) => !armored)
  const opening = binary.filter(([, { expected }]) => expected === 'success')
  const refused = binary.filter(([, { expected }]) => expected !== 'success')

  test('are all there', () => {
    expect([vectors.length, opening.length, refused.length]).toEqual([143, 19, 91])
  })

  test.each(opening)('%s opens', async (_, { file, keys, payload }) => {
    expect(toHex(sha256Of(await decryptEnvelope(file, keys)))).toBe(payload)
  })

  test.each(refused)('%s is refused', async (_, { file, keys, expected }) => {
    await expect(decryptEnvelope(file, keys)).rejects.toMatchObject({ code: expect.stringMatching(CODES[expected]!) })
  })

  // A keyring demands 32 bytes inside: no vector has them, and every one must be refused for it.
  test.each(opening)('%s is no album key', async (_, { file, keys }) => {
    await expect(new Keyring(keys).albumKey(file)).rejects.toMatchObject({ code: 'E_HEADER' })
  })

  // Their expectations do not apply: a header holds binary age files alone, and armor is never read.
  test.each(vectors.filter(([, { armored }]) => armored))('%s is refused as any text is', async (_, { file, keys }) => {
    await expect(decryptEnvelope(file, keys)).rejects.toMatchObject({ code: 'E_HEADER' })
  })
})

test('keys that are no text open beside recipients, never alone, and say why they cannot be used', async () => {
  const identity = await generateX25519Identity()
  const hidden = (bytes: Uint8Array) => bytes.map(value => value ^ 0x5a)
  const recipient = { wrapFileKey: async (key: Uint8Array) => [new Stanza(['latent.test/device'], hidden(key))] }
  const byDevice = {
    unwrapFileKey: async (stanzas: Stanza[]) => {
      const mine = stanzas.find(({ args }) => args[0] === 'latent.test/device')
      return mine ? hidden(mine.body) : null
    },
  }
  const album = await createAlbum({ recipients: [await identityToRecipient(identity)], others: [recipient] })
  for (const keys of [{ identities: [identity] }, { others: [byDevice] }])
    expect(await new Keyring(keys).albumKey(album.envelope)).toEqual(album.key)
  await expect(createAlbum({ recipients: [], others: [recipient] })).rejects.toMatchObject({ code: 'E_KEY' })
  const stranger = { unwrapFileKey: async () => null }
  await expect(new Keyring({ others: [stranger] }).albumKey(album.envelope)).rejects.toMatchObject({
    code: 'E_NO_MATCH',
    hint: 'it was sealed for other recipients',
  })
  const refuses = { unwrapFileKey: () => Promise.reject(new LatentError('E_KEY', 'the device was not given')) }
  await expect(new Keyring({ others: [refuses] }).albumKey(album.envelope)).rejects.toMatchObject({ code: 'E_KEY' })
})
