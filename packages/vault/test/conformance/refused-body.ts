import { concatBytes, sha256Of } from '@latent/core'
import { encodeMetadata } from '@latent/vault'
import {
  craft,
  carrier,
  flipped,
  keys,
  METADATA,
  payload,
  type Payload,
  rebuilt,
  type Plan,
  region,
  sealed,
  sizeForChunks,
  text,
} from './craft.ts'
import type { Vector } from './vector.ts'

const identity = keys.identities.first
const FLOW = 'exact-flow+aes-256-gcm'
// 528 bytes a sealed chunk: pictures can be rebuilt with more or fewer of them.
const CHUNK = 512
const SIZE = sizeForChunks(4, CHUNK)
/** Bytes of the file in the chunks before chunk `index`. */
const before = (index: number) => Math.max(0, index * CHUNK - 128)

/** Files whose header is right and whose chunks are not. */
export async function bodyVectors(): Promise<Vector[]> {
  const vectors: Vector[] = []
  const add = (
    name: string,
    expect: Vector['expect'],
    comment: string,
    released: number,
    sealed: Uint8Array,
    body = 'aes-256-gcm',
  ) => vectors.push({ name: `chunk-${name}`, expect, comment, identity, body, size: SIZE, released, sealed })
  const plan: Plan = { payload: payload(SIZE), chunk: CHUNK }
  const file = await craft(plan)
  const [c0, c1, c2, c3] = file.chunks as [Uint8Array, Uint8Array, Uint8Array, Uint8Array]
  const same = (...chunks: Uint8Array[]) => carrier(file.geometry, concatBytes(file.header, ...chunks))
  const [longer, other] = [
    await craft({ payload: payload(SIZE + CHUNK), chunk: CHUNK }),
    await craft({ ...plan, label: 'b' }),
  ]

  add('first-bit', 'chunk', 'the first bit of the first chunk', 0, await same(flipped(c0, 0, 0x80), c1, c2, c3))
  add('bit', 'chunk', 'a bit in the third chunk', before(2), await same(c0, c1, flipped(c2, 100), c3))
  add('tag', 'chunk', 'the last bit of the tag of the second chunk', before(1), await same(c0, flipped(c1, -1), c2, c3))
  add('last-tag', 'chunk', 'the last bit of the file', before(3), await same(c0, c1, c2, flipped(c3, -1)))
  add('swapped', 'chunk', 'the second and the third chunk are exchanged', before(1), await same(c0, c2, c1, c3))
  add(
    'repeated',
    'chunk',
    'the second chunk stands in place of the third as well',
    before(2),
    await same(c0, c1, c1, c3),
  )
  add(
    'of-another-file',
    'chunk',
    'the second chunk of another file of the same album',
    before(1),
    await same(c0, other.chunks[1]!, c2, c3),
  )
  add(
    'first-dropped',
    'chunk',
    'the first chunk is gone, the picture was made anew',
    0,
    await rebuilt(file.header, c1, c2, c3),
  )
  add(
    'middle-dropped',
    'truncated',
    'the second chunk is gone, the picture was made anew: the size in the first shows it',
    0,
    await rebuilt(file.header, c0, c2, c3),
  )
  add(
    'last-dropped',
    'truncated',
    'the last chunk is gone, the picture was made anew',
    0,
    await rebuilt(file.header, c0, c1, c2),
  )
  add(
    'all-but-first-dropped',
    'truncated',
    'only the first chunk is left, the picture was made anew',
    0,
    await rebuilt(file.header, c0),
  )
  add('all-dropped', 'truncated', 'no chunk is left, the picture was made anew', 0, await rebuilt(file.header))
  add(
    'cut-inside',
    'truncated',
    'the last chunk is cut inside, the picture was made anew',
    0,
    await rebuilt(file.header, c0, c1, c2, c3.subarray(0, 300)),
  )
  add(
    'rest-too-small',
    'truncated',
    '45 bytes of the last chunk are left: no chunk is so small',
    0,
    await rebuilt(file.header, c0, c1, c2, c3.subarray(0, 45)),
  )
  add(
    'appended',
    'chunk',
    'the last chunk once more behind the last',
    before(3),
    await rebuilt(file.header, c0, c1, c2, c3, c3),
  )
  add(
    'bytes-appended',
    'chunk',
    '60 zeros behind the last chunk',
    before(3),
    await rebuilt(file.header, c0, c1, c2, c3, new Uint8Array(60)),
  )
  add(
    'last-of-longer',
    'chunk',
    'the fifth chunk of a longer file in place of the last',
    before(3),
    await same(c0, c1, c2, longer.chunks[4]!),
  )

  const padded = await craft({ payload: payload(SIZE - CHUNK, { padding: new Uint8Array(CHUNK) }), chunk: CHUNK })
  vectors.push({
    name: 'chunk-padding-dropped',
    expect: 'truncated',
    comment: 'the last chunk, which holds nothing but padding, is gone, the picture was made anew',
    identity,
    body: 'aes-256-gcm',
    size: SIZE - CHUNK,
    released: SIZE - CHUNK,
    sealed: await rebuilt(padded.header, ...padded.chunks.slice(0, 3)),
  })

  vectors.push({
    name: 'chunk-last-below-32',
    expect: 'truncated',
    comment: 'the last chunk was sealed with 31 bytes',
    identity,
    body: 'aes-256-gcm',
    size: sizeForChunks(2, CHUNK) + 31,
    released: 0,
    sealed: await sealed({ payload: payload(sizeForChunks(2, CHUNK) + 31), chunk: CHUNK }),
  })

  const placed = (place: NonNullable<Plan['place']>, changes: Partial<Plan> = {}) =>
    sealed({ ...plan, place, ...changes })
  add(
    'last-not-marked',
    'truncated',
    'the last chunk was sealed as one that others follow',
    before(3),
    await placed(index => ({ index, last: false })),
  )
  add(
    'marked-too-early',
    'chunk',
    'the second chunk was sealed as the last',
    before(1),
    await placed(index => ({ index, last: index === 1 || index === 3 })),
  )
  add(
    'counted-from-one',
    'chunk',
    'chunk numbers start at one',
    0,
    await placed((index, last) => ({ index: index + 1, last })),
  )
  add(
    'other-header',
    'chunk',
    'the chunks were sealed under another header hash',
    0,
    await placed((index, last) => ({ index, last }), { associated: { metadata: 256 } }),
  )
  const flow = await craft({ ...plan, body: FLOW })
  add(
    'flow-bit',
    'chunk',
    'a bit in the third chunk of an exact-flow body',
    before(2),
    await carrier(flow.geometry, flipped(flow.pixels, flow.header.length + 2 * 528 + 7)),
    FLOW,
  )
  return [...vectors, ...(await payloadVectors())]
}

/** Files that somebody with the album key has made wrongly, or with intent: the outside is all right. */
async function payloadVectors(): Promise<Vector[]> {
  const vectors: Vector[] = []
  const add = async (
    name: string,
    expect: Vector['expect'],
    comment: string,
    changes: Partial<Payload>,
    released = 0,
  ) => {
    vectors.push({
      name,
      expect,
      comment,
      identity,
      body: 'aes-256-gcm',
      size: 300,
      released,
      sealed: await sealed({ payload: payload(300, changes), chunk: CHUNK }),
    })
  }
  await add('hash-wrong', 'hash', 'the hash is not that of the file', { hash: sha256Of(text('another file')) }, 300)
  await add(
    'padding-not-zero',
    'hash',
    'the last byte of the padding is 1',
    { padding: flipped(new Uint8Array(100), -1) },
    300,
  )
  await add(
    'size-smaller',
    'hash',
    'the metadata name a byte less than there is: the hash is looked for too early',
    { region: encodeMetadata({ ...METADATA, size: 299 }) },
    299,
  )
  await add('size-beyond', 'truncated', 'the metadata name more bytes than the body holds', {
    region: encodeMetadata({ ...METADATA, size: 301 }),
  })

  const { type, modified } = METADATA
  const right = JSON.stringify({ name: 'photo.jpg', type, size: 300, modified })
  const regions: [string, string, Uint8Array][] = [
    ['not-json', 'text that is not JSON', region('photo.jpg')],
    ['null', 'JSON, but no object', region('null')],
    ['spaces', 'a space behind a colon', region(right.replace(':', ': '))],
    ['key-order', 'size before type', region(JSON.stringify({ name: 'photo.jpg', size: 300, type, modified }))],
    ['key-missing', 'no time', region(JSON.stringify({ name: 'photo.jpg', type, size: 300 }))],
    [
      'key-extra',
      'a key that nobody knows',
      region(JSON.stringify({ name: 'photo.jpg', type, size: 300, modified, mode: 493 })),
    ],
    ['key-repeated', 'the name twice', region(right.replace('{', '{"name":"other.jpg",'))],
    ['escapes', 'a letter written as an escape', region(right.replace('photo', '\\u0070hoto'))],
    ['number-form', 'the size as 3e2', region(right.replace('300', '3e2'))],
    ['byte-order-mark', 'a byte order mark before the JSON', region(`\ufeff${right}`)],
    ['not-utf-8', 'a byte that is not UTF-8', flipped(region(right), 9, 0x80)],
    [
      'no-zero',
      '128 bytes of JSON without a zero behind them',
      text(JSON.stringify({ name: 'n'.repeat(128 - right.length + 9), type, size: 300, modified })),
    ],
    ['block-too-many', 'a block of zeros more than needed', concatBytes(region(right), new Uint8Array(128))],
    ['padding', 'a byte behind the zeros', flipped(region(right), -1)],
    ['size-negative', 'a size of -1', region(right.replace('300', '-1'))],
    ['size-fraction', 'a size of 300.5', region(right.replace('300', '300.5'))],
    ['size-text', 'the size as text', region(right.replace('300', '"300"'))],
    [
      'time-fraction',
      'a time with a fraction',
      region(JSON.stringify({ name: 'photo.jpg', type, size: 300, modified: 0.5 })),
    ],
    [
      'type-space',
      'a media type with a space',
      region(JSON.stringify({ name: 'photo.jpg', type: 'image/ jpeg', size: 300, modified })),
    ],
  ]
  for (const [name, comment, bytes] of regions) await add(`metadata-${name}`, 'header', comment, { region: bytes })

  const names: [string, string, string][] = [
    ['empty', 'no name', ''],
    ['dot', 'the name .', '.'],
    ['dot-dot', 'the name ..', '..'],
    ['traversal', 'a name that leads out of the folder', '../photo.jpg'],
    ['absolute', 'a name from the root', '/etc/photo.jpg'],
    ['folder', 'a name with a folder', 'a/photo.jpg'],
    ['nul', 'a name with U+0000', 'photo\0.jpg'],
    ['too-long', 'a name of 256 bytes', 'é'.repeat(128)],
    ['surrogate', 'a name with half a surrogate pair', 'photo\ud800.jpg'],
  ]
  for (const [name, comment, value] of names)
    await add(`name-${name}`, 'header', comment, {
      region: region(JSON.stringify({ name: value, type, size: 300, modified })),
    })
  return vectors
}
