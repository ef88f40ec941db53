import { sha256Of, toHex } from '@latent/core'
import { secondWeights, trainedWeights } from '@latent/schemes/exact-flow'
import { encodeMetadata, padme } from '@latent/vault'
import {
  type Crafted,
  carrier,
  craft,
  envelope,
  flipped,
  keys,
  METADATA,
  payload,
  png,
  pngChunk,
  type Plan,
  rows,
  sealed,
  sizeForChunks,
  text,
} from './craft.ts'
import { type Vector, vectorPlaintext } from './vector.ts'

const FLOW = 'exact-flow+aes-256-gcm'

/** What opening a file must give. */
export function contents({
  payload: { size, region },
  body = 'aes-256-gcm',
}: Plan): Pick<Vector, 'body' | 'size' | 'sha256' | 'metadata'> {
  return {
    body,
    size,
    sha256: toHex(sha256Of(vectorPlaintext(size))),
    metadata: new TextDecoder().decode(region.subarray(0, region.indexOf(0))),
  }
}

const identity = keys.identities.first

/** Files that must open. */
export async function successVectors(): Promise<Vector[]> {
  const vectors: Vector[] = []
  const add = async (
    name: string,
    comment: string,
    plan: Plan,
    key: Pick<Vector, 'identity' | 'passphrase'> = { identity },
  ) => {
    vectors.push({ name, expect: 'success', comment, ...key, ...contents(plan), sealed: await sealed(plan) })
  }

  const sizes: [string, number, string][] = [
    ['empty', 0, 'an empty file'],
    ['one-byte', 1, 'a file of one byte'],
    ['chunk-minus-one', sizeForChunks(2, 512) - 1, 'the last chunk is one byte short of full'],
    ['chunk-exact', sizeForChunks(2, 512), 'the last chunk is full'],
    ['chunk-plus-32', sizeForChunks(2, 512) + 32, 'the last chunk has 32 bytes, the fewest there are'],
    ['hash-across-chunks', sizeForChunks(2, 512) + 64, 'the hash of the file lies across two chunks'],
  ]
  for (const [name, size, comment] of sizes) {
    await add(`size-${name}`, comment, { payload: payload(size) })
    await add(`flow-size-${name}`, `${comment}; exact flow`, { payload: payload(size), body: FLOW })
  }
  await add('size-chunk-plus-one-padded', 'one byte more than two chunks: 31 zeros bring the last chunk to 32 bytes', {
    payload: payload(sizeForChunks(2, 512) + 1, { padding: new Uint8Array(31) }),
  })
  await add('flow-chunks', 'three chunks of 4096 bytes and a rest, exact flow', {
    payload: payload(13_001),
    body: FLOW,
    chunk: 4096,
  })
  await add('flow-network-pictures', 'one chunk whose halves need two pictures of the networks (33 rows)', {
    payload: payload(100_000),
    body: FLOW,
    chunk: 131_072,
  })
  for (const [set, { id: weights }] of [
    ['trained', await trainedWeights()],
    ['second', await secondWeights()],
  ] as const) {
    const body = { body: FLOW, weights } as const
    await add(`${set}-chunks`, `three chunks of 4096 bytes and a rest, exact flow with the ${set} weights`, {
      ...body,
      payload: payload(13_001),
      chunk: 4096,
    })
    await add(`${set}-network-pictures`, `two pictures of the networks (33 rows), ${set} weights`, {
      ...body,
      payload: payload(100_000),
      chunk: 131_072,
    })
    await add(`${set}-empty`, `an empty file, ${set} weights`, { ...body, payload: payload(0) })
  }
  await add('default-chunk', 'the chunk size that files have by default', {
    payload: payload(3000),
    body: FLOW,
    chunk: 786_432,
  })
  await add('chunk-smallest', 'chunks of 128 bytes', { payload: payload(700), chunk: 128 })
  await add('chunk-odd', 'chunks of 131 bytes', { payload: payload(700), chunk: 131 })

  const needed = 128 + 5000 + 32
  await add('padme', 'padded with zeros to 5376 bytes by Padme', {
    payload: payload(5000, { padding: new Uint8Array(padme(needed) - needed) }),
    chunk: 4096,
  })
  await add('padding-of-chunks', 'padding that fills several chunks of its own', {
    payload: payload(100, { padding: new Uint8Array(2000) }),
  })

  await add('recipients-first', 'sealed for two, opened by the first', {
    payload: payload(100),
    envelope: envelope('both'),
  })
  await add(
    'recipients-second',
    'sealed for two, opened by the second',
    { payload: payload(100), envelope: envelope('both') },
    { identity: keys.identities.second },
  )
  await add(
    'recipient-hybrid',
    'an envelope for a post-quantum hybrid recipient (ML-KEM-768 with X25519)',
    { payload: payload(100), envelope: envelope('hybrid') },
    { identity: keys.identities.hybrid },
  )
  await add(
    'passphrase',
    'a passphrase, scrypt with the work factor 10',
    { payload: payload(100), envelope: envelope('passphrase') },
    { passphrase: keys.passphrase },
  )

  const named = (name: string, changes: Partial<typeof METADATA> = {}) => ({
    payload: payload(10, { region: encodeMetadata({ ...METADATA, ...changes, name, size: 10 }) }),
  })
  await add('name-unicode', 'a name outside ASCII, written as it is', named('Fête 花火 🎆.heic'))
  await add('name-255', 'a name of 255 bytes, and so a region of several blocks', named(`${'é'.repeat(125)}.jpeg`))
  await add(
    'name-escapes',
    'a name with quotation marks, a backslash, a line feed, U+001F and U+2028',
    named('"a\\b"\n\u001f\u2028.png'),
  )
  await add('name-dots', 'a name of three dots leads nowhere', named('...'))
  await add('time-before-1970', 'a negative time', named('old.jpg', { modified: -315_619_200_000 }))
  await add('metadata-full-block', 'JSON of 127 bytes and one zero', { payload: payload(10, { region: blockOf(127) }) })
  await add('metadata-whole-block', 'JSON of 128 bytes and 128 zeros', {
    payload: payload(10, { region: blockOf(128) }),
  })
  return [...vectors, ...(await carrierVectors())]
}

/** A region whose JSON has `length` bytes. */
function blockOf(length: number): Uint8Array {
  const bare = JSON.stringify({ name: '', type: METADATA.type, size: 10, modified: METADATA.modified }).length
  return encodeMetadata({ ...METADATA, name: 'n'.repeat(length - bare), size: 10 })
}

/** The same pixels in other PNGs. */
async function carrierVectors(): Promise<Vector[]> {
  const plan: Plan = { payload: payload(1500) }
  const made = await craft(plan)
  const { width, height } = made.geometry
  const original = await carrier(made.geometry, made.pixels)
  const plain = rows(made.pixels, width * 3, 3)
  const vector = (name: string, comment: string, sealed: Uint8Array): Vector => ({
    name: `png-${name}`,
    expect: 'success',
    comment,
    identity,
    ...contents(plan),
    sealed,
  })
  return [
    vector('deflated', 'compressed with deflate', png({ width, height, raw: plain })),
    vector(
      'filters',
      'rows with all five filters',
      png({ width, height, raw: rows(made.pixels, width * 3, 3, y => y % 5) }),
    ),
    vector(
      'alpha',
      'an opaque alpha channel was added, rows filtered',
      png({ width, height, colour: 6, raw: rows(withAlpha(made), width * 4, 4, y => (y + 4) % 5) }),
    ),
    vector('small-idat', 'IDAT chunks of one byte', png({ width, height, raw: plain, idat: 1 })),
    vector(
      'ancillary',
      'chunks before the data that describe, and some that nobody knows',
      png({
        width,
        height,
        raw: plain,
        before: [
          pngChunk('gAMA', Uint8Array.of(0, 0, 0xb1, 0x8f)),
          pngChunk('tEXt', text('Software\0a gallery')),
          pngChunk('laTn', new Uint8Array(300)),
        ],
      }),
    ),
    vector('crc', 'every CRC and the Adler-32 are wrong', withoutChecksums(original)),
    vector(
      'trailing',
      'bytes behind the end of the PNG',
      Uint8Array.from([...original, ...text('appended by a store')]),
    ),
    vector(
      'other-shape',
      'the same pixels in one row',
      await carrier({ width: width * height, height: 1 }, made.pixels),
    ),
  ]
}

export function withAlpha({ pixels }: Pick<Crafted, 'pixels'>, alpha = 255): Uint8Array {
  return Uint8Array.from({ length: (pixels.length / 3) * 4 }, (_, i) =>
    i % 4 === 3 ? alpha : pixels[Math.floor(i / 4) * 3 + (i % 4)]!,
  )
}

function withoutChecksums(png: Uint8Array): Uint8Array {
  let copy = png
  const view = new DataView(png.buffer, png.byteOffset)
  for (let at = 8; at < png.length; at += 12 + view.getUint32(at)) {
    const end = at + 8 + view.getUint32(at)
    if (png[at + 5] === 0x44) copy = flipped(copy, end - 1)
    copy = flipped(copy, end)
  }
  return copy
}
