import { concatBytes, toHex } from '@latent/core'
import {
  type HeaderLines,
  craft,
  carrier,
  envelope,
  flipped,
  keys,
  payload,
  type Plan,
  sealed,
  text,
  FIRST_WEIGHTS,
} from './craft.ts'
import { ALBUM_KEY } from './keys.ts'
import type { Vector } from './vector.ts'

const identity = keys.identities.first
const FLOW = 'exact-flow+aes-256-gcm'

/** Files whose header or keys do not do. Where the code over the header is right, only the named rule refuses them. */
export async function headerVectors(): Promise<Vector[]> {
  return [...(await damagedLines()), ...(await brokenRules()), ...(await wrongKeys())]
}

/** A header that was right when it was sealed, and has since been altered. */
async function damagedLines(): Promise<Vector[]> {
  const flow = await craft({ payload: payload(100), body: FLOW })
  const plain = await craft({ payload: payload(100) })
  const found = (needle: string, { header } = flow) => new TextDecoder('latin1').decode(header).indexOf(needle)
  const altered = async (
    name: string,
    comment: string,
    position: number,
    mask: number,
    expect: Vector['expect'] = 'header',
    from = flow,
  ): Promise<Vector> => ({
    name: `altered-${name}`,
    expect,
    comment,
    identity,
    body: from === flow ? FLOW : 'aes-256-gcm',
    size: 100,
    released: 0,
    sealed: await carrier(from.geometry, flipped(from.pixels, position, mask)),
  })
  const { header } = flow
  const replaced = async (
    name: string,
    comment: string,
    from: string,
    to: string,
    expect: Vector['expect'] = 'header',
  ): Promise<Vector> => {
    const at = found(from)
    const pixels = concatBytes(flow.pixels.subarray(0, at), text(to), flow.pixels.subarray(at + from.length))
    return {
      name: `altered-${name}`,
      expect,
      comment,
      identity,
      body: FLOW,
      size: 100,
      released: 0,
      sealed: await carrier(flow.geometry, pixels),
    }
  }
  return [
    await altered('family', 'a bit of the first word is flipped: no header at all', 3, 1, 'reencoded'),
    await altered('version-control-byte', 'the version is no version', 14, 0x20),
    await replaced('version', 'the version is 2', 'sealed 1', 'sealed 2', 'unsupported'),
    await replaced('body-unknown', 'a body type that nobody knows', 'exact-flow+', 'exact-glow+', 'unsupported'),
    await replaced('body-grammar', 'a body type with a capital letter', 'exact-flow+', 'Exact-flow+'),
    await altered('weights', 'another digit in the hash of the weights', found('weights ') + 8, 1),
    await replaced('chunk', 'chunk 513', 'chunk 512', 'chunk 513'),
    await replaced('metadata', 'metadata 256', 'metadata 128', 'metadata 256'),
    await altered('nonce', 'another digit in the nonce', found('nonce ') + 6, 1),
    await altered(
      'nonce-upper-case',
      'a nonce with a capital letter',
      found('nonce ') + 6 + toHexIndex(header, found('nonce ') + 6),
      0x20,
    ),
    await replaced(
      'envelope-length',
      'the envelope is one byte shorter than it says',
      `envelope ${envelope('first').length}`,
      `envelope ${envelope('first').length + 1}`,
    ),
    await altered(
      'envelope-stanza',
      'a bit in the body of the age stanza: no key fits any more',
      found('-> X25519') + 60,
      1,
      'no-match',
    ),
    await altered('envelope-mac', 'a bit in the code of the age header', found('\n--- ') + 6, 1),
    await altered('envelope-payload', 'a bit in the wrapped album key', found('\nfiller ') - 1, 1),
    await altered('filler-length', 'a filler line with a letter', found('\nfiller ') + 9, 0x40),
    await altered('filler-byte', 'a bit in the filler', found('filler ', plain) + 13, 1, 'header', plain),
    await altered('line-end', 'the line end behind the filler', found('\nmac '), 1),
    await altered('mac', 'another digit in the code over the header', found('mac ') + 4, 1),
    await altered('mac-line-end', 'the line end behind the code', header.length - 1, 1),
  ]
}

/** Position of the first letter among hexadecimal digits. */
const toHexIndex = (bytes: Uint8Array, from: number): number => bytes.subarray(from).findIndex(byte => byte >= 97)

/** Headers with a right code that a reader must refuse all the same. */
async function brokenRules(): Promise<Vector[]> {
  const vectors: Vector[] = []
  const add = async (
    name: string,
    comment: string,
    lines: (lines: HeaderLines) => HeaderLines,
    expect: Vector['expect'] = 'header',
    plan: Partial<Plan> = {},
  ) => {
    const file = await sealed({ payload: payload(100), lines, ...plan })
    vectors.push({
      name: `header-${name}`,
      expect,
      comment,
      identity,
      body: plan.body ?? 'aes-256-gcm',
      size: 100,
      released: 0,
      sealed: file,
    })
  }
  const fixed =
    (edit: (lines: string[]) => string[]) =>
    (lines: HeaderLines): HeaderLines => ({ ...lines, fixed: edit([...lines.fixed]) })
  const line = (name: string, value: string) =>
    fixed(lines => lines.map(old => (old.startsWith(`${name} `) ? value : old)))

  await add(
    'version-2',
    'version 2, otherwise right',
    fixed(([, ...rest]) => ['latent sealed 2', ...rest]),
    'unsupported',
  )
  await add(
    'version-10',
    'version 10, otherwise right',
    fixed(([, ...rest]) => ['latent sealed 10', ...rest]),
    'unsupported',
  )
  await add(
    'version-long',
    'a first line of 31 bytes',
    fixed(([, ...rest]) => [`latent sealed ${'1'.repeat(17)}`, ...rest]),
  )
  await add('body-unknown', 'a body type of later days', line('body', 'body xchacha20-poly1305'), 'unsupported')
  await add(
    'weights-unknown',
    'weights that nobody has',
    line('weights', `weights ${'0123456789abcdef'.repeat(4)}`),
    'unsupported',
    { body: FLOW, associated: { weights: '0123456789abcdef'.repeat(4) } },
  )
  await add(
    'weights-missing',
    'exact flow without a weights line',
    fixed(lines => lines.filter(old => !old.startsWith('weights'))),
    'header',
    { body: FLOW },
  )
  await add(
    'weights-with-aes',
    'a weights line where the body has no use for it',
    fixed(([magic, body, ...rest]) => [magic!, body!, `weights ${FIRST_WEIGHTS}`, ...rest]),
  )
  await add(
    'downgrade',
    'the header names the other body type, code and all; the chunks do not agree',
    fixed(lines =>
      lines.filter(old => !old.startsWith('weights')).map(old => (old.startsWith('body') ? 'body aes-256-gcm' : old)),
    ),
    'chunk',
    { body: FLOW },
  )
  await add(
    'reordered',
    'metadata before chunk',
    fixed(lines => [...lines.slice(0, 2), lines[3]!, lines[2]!, ...lines.slice(4)]),
  )
  await add(
    'repeated',
    'the chunk line twice',
    fixed(lines => [...lines.slice(0, 3), ...lines.slice(2)]),
  )
  await add(
    'missing',
    'no nonce line',
    fixed(lines => lines.slice(0, -1)),
  )
  await add(
    'extra',
    'a line of a name that nobody knows',
    fixed(lines => [...lines, 'comment hello']),
  )
  await add('carriage-return', 'a carriage return before a line end', line('chunk', 'chunk 512\r'))
  await add('trailing-space', 'a space before a line end', line('chunk', 'chunk 512 '))
  await add('leading-zero', 'chunk 0512', line('chunk', 'chunk 0512'))
  await add('plus-sign', 'chunk +512', line('chunk', 'chunk +512'))
  await add('exponent', 'chunk 512e0', line('chunk', 'chunk 512e0'))
  await add(
    'nonce-short',
    'a nonce of 31 bytes',
    fixed(lines => lines.map(old => (old.startsWith('nonce') ? old.slice(0, -2) : old))),
  )
  await add('chunk-too-small', 'chunk 127 for metadata of 128 bytes', line('chunk', 'chunk 127'))
  await add('chunk-too-large', 'chunk 16777217', line('chunk', 'chunk 16777217'))
  await add('metadata-not-a-block', 'metadata 129', line('metadata', 'metadata 129'))
  await add('metadata-zero', 'metadata 0', line('metadata', 'metadata 0'))
  await add('metadata-beyond-chunk', 'a metadata region that is longer than a chunk', line('metadata', 'metadata 640'))
  await add('envelope-empty', 'an envelope of no bytes', lines => ({
    ...lines,
    envelopeLine: 'envelope 0',
    envelope: new Uint8Array(0),
  }))
  await add('envelope-too-large', 'an envelope of 524289 bytes is announced', lines => ({
    ...lines,
    envelopeLine: 'envelope 524289',
  }))
  await add('filler-four-digits', 'the length of the filler in four digits', lines => ({
    ...lines,
    fillerLine: length => `filler ${String(length).padStart(4, '0')}`,
  }))
  await add('filler-too-long', 'a filler of 8161 bytes', same => same, 'header', {
    filler: 8161,
    payload: payload(102),
  })
  await add('no-line-end-behind-envelope', 'a space in place of the line end behind the envelope', lines => ({
    ...lines,
    envelopeEnd: ' ',
  }))
  await add('no-line-end-behind-filler', 'a space in place of the line end behind the filler', lines => ({
    ...lines,
    fillerEnd: ' ',
  }))
  await add('mac-upper-case', 'the code in capital letters', lines => ({
    ...lines,
    mac: hex => `mac ${hex.toUpperCase()}\n`,
  }))
  await add('mac-of-nothing', 'a code of zeros', lines => ({
    ...lines,
    mac: () => `mac ${toHex(new Uint8Array(32))}\n`,
  }))
  return vectors
}

async function wrongKeys(): Promise<Vector[]> {
  const file = (wrapped: Uint8Array) => sealed({ payload: payload(100), envelope: wrapped })
  const base = { size: 100, body: 'aes-256-gcm', released: 0 } as const
  const scrypt = new TextDecoder('latin1').decode(envelope('passphrase'))
  const costly = Uint8Array.from(scrypt.replace(/^(-> scrypt \S+) 10$/m, '$1 21'), char => char.codePointAt(0)!)
  return [
    {
      ...base,
      name: 'key-stranger',
      expect: 'no-match',
      comment: 'an identity that it was not sealed for',
      identity: keys.identities.stranger,
      sealed: await file(envelope('both')),
    },
    {
      ...base,
      name: 'key-other-kind',
      expect: 'no-match',
      comment: 'a hybrid identity where it was sealed for X25519',
      identity: keys.identities.hybrid,
      sealed: await file(envelope('first')),
    },
    {
      ...base,
      name: 'key-wrong-passphrase',
      expect: 'no-match',
      comment: 'another passphrase',
      passphrase: `${keys.passphrase}!`,
      sealed: await file(envelope('passphrase')),
    },
    {
      ...base,
      name: 'key-passphrase-for-identity',
      expect: 'no-match',
      comment: 'a passphrase where it was sealed for an identity',
      passphrase: keys.passphrase,
      sealed: await file(envelope('first')),
    },
    {
      ...base,
      name: 'envelope-costly-scrypt',
      expect: 'limit',
      comment: 'an scrypt work factor of 21',
      passphrase: keys.passphrase,
      sealed: await file(costly),
    },
    {
      ...base,
      name: 'envelope-short-key',
      expect: 'header',
      comment: 'an envelope that holds 31 bytes',
      identity,
      sealed: await sealed({ payload: payload(100), envelope: envelope('short'), albumKey: ALBUM_KEY.subarray(0, 31) }),
    },
    {
      ...base,
      name: 'envelope-armored',
      expect: 'header',
      comment: 'an envelope in ASCII armor',
      identity,
      sealed: await file(envelope('armored')),
    },
    {
      ...base,
      name: 'envelope-trailing',
      expect: 'header',
      comment: 'a byte behind the age file in the envelope',
      identity,
      sealed: await file(concatBytes(envelope('first'), Uint8Array.of(0))),
    },
    {
      ...base,
      name: 'envelope-of-another-album',
      expect: 'header',
      comment: 'the envelope was exchanged for one that holds another key',
      identity,
      sealed: await file(envelope('other')),
    },
  ]
}
