import { Decrypter } from 'age-encryption'
import { createCipheriv, createDecipheriv, createHash, createHmac, hkdfSync } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { inflateRawSync } from 'node:zlib'

/**
 * The slow twin of the opener: what `docs/sealed-format.md` says, on Node's own primitives and
 * age, in one pass over whole arrays. It shares no code with the library and is never shipped.
 */
export async function referenceOpen(
  png: Uint8Array,
  { identities, passphrases }: { identities: string[]; passphrases: string[] },
): Promise<{ bytes: Uint8Array; metadata: string }> {
  const pixels = Buffer.from(pixelsOf(Buffer.from(png)))
  const header = parse(pixels)
  const decrypter = new Decrypter()
  for (const identity of identities) decrypter.addIdentity(identity)
  for (const passphrase of passphrases) decrypter.addPassphrase(passphrase)
  const album = await decrypter.decrypt(header.envelope)
  must(album.length === 32, 'an album key has 32 bytes')

  const file = derive(album, 'latent/v1/sealed/file', header.nonce)
  const mac = createHmac('sha256', derive(file, 'latent/v1/sealed/header')).update(header.covered).digest()
  must(mac.equals(header.mac), 'the code over the header')

  const chunks: Buffer[] = []
  const body = pixels.subarray(header.size)
  const step = header.chunk + 16
  const count = Math.ceil(body.length / step)
  must(count >= 1 && body.length - (count - 1) * step >= 32 + 16, 'the size of the body')
  for (let i = 0; i < count; i++) {
    const sealed = body.subarray(i * step, (i + 1) * step)
    const nonce = Buffer.alloc(12)
    nonce.writeUInt32BE(i, 7)
    nonce[11] = i === count - 1 ? 1 : 0
    const cipher = createDecipheriv('aes-256-gcm', derive(file, 'latent/v1/sealed/body'), nonce)
    cipher.setAAD(createHash('sha256').update(header.fixed).digest())
    cipher.setAuthTag(sealed.subarray(-16))
    const opened = Buffer.concat([cipher.update(sealed.subarray(0, -16)), cipher.final()])
    chunks.push(
      header.weights === undefined
        ? opened
        : unflow(
            derive(file, 'latent/v1/sealed/flow'),
            Buffer.concat([Buffer.from('chunk'), u64(i)]),
            opened,
            header.weights,
          ),
    )
  }
  return payloadOf(Buffer.concat(chunks), header.metadata)
}

function must(condition: boolean, what: string): asserts condition {
  if (!condition) throw new Error(what)
}

const derive = (key: Uint8Array, label: string, salt: Uint8Array = Buffer.alloc(0)) =>
  Buffer.from(hkdfSync('sha256', key, salt, label, 32))
const u32 = (value: number) => {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(value)
  return bytes
}
const u64 = (value: number) => Buffer.concat([u32(0), u32(value)])
const keystream = (key: Uint8Array, length: number) =>
  createCipheriv('aes-256-ctr', key, Buffer.alloc(16)).update(Buffer.alloc(length))

function pixelsOf(png: Buffer): Uint8Array {
  must(png.subarray(0, 8).equals(Buffer.from('89504e470d0a1a0a', 'hex')), 'signature')
  must(png.readUInt32BE(8) === 13 && png.toString('latin1', 12, 16) === 'IHDR', 'IHDR')
  const [width, height] = [png.readUInt32BE(16), png.readUInt32BE(20)]
  const [depth, colour, compression, filtering, interlace] = png.subarray(24, 29)
  must(width > 0 && width <= 2 ** 24 && height > 0 && width * height * 4 < 2 ** 53, 'size')
  must(depth === 8 && (colour === 2 || colour === 6) && compression === 0 && filtering === 0 && interlace === 0, 'kind')
  const data: Buffer[] = []
  for (let at = 33; ;) {
    must(at + 12 <= png.length, 'the end of the PNG')
    const length = png.readUInt32BE(at)
    const type = png.toString('latin1', at + 4, at + 8)
    must(at + 12 + length <= png.length, 'the end of a chunk')
    if (type === 'IDAT') data.push(png.subarray(at + 8, at + 8 + length))
    if (type === 'IEND') break
    at += 12 + length
  }
  const bpp = colour === 6 ? 4 : 3
  const stride = width * bpp + 1
  // Without zlib's two bytes in front; what is behind the deflate data is left alone.
  const raw = inflateRawSync(Buffer.concat(data).subarray(2))
  must(raw.length >= stride * height, 'rows')
  const at = (y: number, x: number) => (y < 0 || x < 0 ? 0 : raw[y * stride + 1 + x]!)
  const pixels: number[] = []
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width * bpp; x++) {
      const [a, b, c] = [at(y, x - bpp), at(y - 1, x), y > 0 ? at(y - 1, x - bpp) : 0]
      const filter = raw[y * stride]!
      must(filter <= 4, 'filter')
      const nearest = [a, b, c].reduce((best, value) =>
        Math.abs(a + b - c - value) < Math.abs(a + b - c - best) ? value : best,
      )
      raw[y * stride + 1 + x]! += [0, a, b, (a + b) >> 1, nearest][filter]!
      if (x % bpp < 3) pixels.push(at(y, x))
      else must(at(y, x) === 255, 'alpha')
    }
  }
  return Uint8Array.from(pixels)
}

const FIXED_LINES = new RegExp(
  [
    '^latent sealed 1',
    'body (?:aes-256-gcm|exact-flow\\+aes-256-gcm\nweights ([0-9a-f]{64}))',
    'chunk ([1-9][0-9]{1,7})',
    'metadata ([1-9][0-9]{1,4})',
    'nonce ([0-9a-f]{64})',
    '',
  ].join('\n'),
)

function parse(pixels: Buffer) {
  // Latin-1 keeps one character a byte, so the positions of the expression are those of the bytes.
  const text = pixels.toString('latin1', 0, 600_000)
  const fixed = FIXED_LINES.exec(text)
  must(fixed !== null, 'the fixed lines')
  const envelopeLine = /^envelope ([1-9][0-9]{0,5})\n/.exec(text.slice(fixed[0].length, fixed[0].length + 20))
  must(envelopeLine !== null, 'the envelope line')
  const envelopeAt = fixed[0].length + envelopeLine[0].length
  const envelopeEnd = envelopeAt + Number(envelopeLine[1])
  const fillerLine = /^\nfiller ([0-9]{5})\n/.exec(text.slice(envelopeEnd, envelopeEnd + 14))
  must(fillerLine !== null, 'the filler line')
  const fillerEnd = envelopeEnd + 14 + Number(fillerLine[1])
  const macLine = /^\nmac ([0-9a-f]{64})\n/.exec(text.slice(fillerEnd, fillerEnd + 70))
  must(macLine !== null, 'the line of the code')
  const [chunk, metadata] = [Number(fixed[2]), Number(fixed[3])]
  must(chunk >= 128 && chunk <= 2 ** 24 && metadata % 128 === 0 && metadata <= 65_536 && metadata <= chunk, 'sizes')
  must(Number(envelopeLine[1]) <= 524_288 && Number(fillerLine[1]) <= 8160, 'limits')
  return {
    fixed: pixels.subarray(0, fixed[0].length),
    weights: fixed[1],
    chunk,
    metadata,
    nonce: Buffer.from(fixed[4]!, 'hex'),
    envelope: Uint8Array.from(pixels.subarray(envelopeAt, envelopeEnd)),
    covered: pixels.subarray(0, fillerEnd + 1),
    mac: Buffer.from(macLine[1]!, 'hex'),
    size: fillerEnd + 70,
  }
}

function payloadOf(plaintext: Buffer, metadataSize: number): { bytes: Uint8Array; metadata: string } {
  const region = plaintext.subarray(0, metadataSize)
  const zero = region.indexOf(0)
  const metadata = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(region.subarray(0, zero))
  must(
    zero >= 0 && region.subarray(zero).every(byte => byte === 0) && region.length - zero <= 128,
    'the zeros behind the metadata',
  )
  const { name, type, size, modified } = JSON.parse(metadata) as {
    name: string
    type: string
    size: number
    modified: number
  }
  must(
    metadata === `{"name":${JSON.stringify(name)},"type":"${type}","size":${size},"modified":${modified}}`,
    'canonical metadata',
  )
  must(
    (typeof name === 'string' &&
      name.isWellFormed() &&
      Buffer.byteLength(name) <= 255 &&
      !/^\.{0,2}$|\/|\0/.test(name)) ||
      name === '...',
    'the name',
  )
  must(
    /^[!-~]{1,127}$/.test(type) && Number.isSafeInteger(size) && size >= 0 && Number.isSafeInteger(modified),
    'type, size and time',
  )
  const end = metadataSize + size
  must(end + 32 <= plaintext.length, 'room for the file')
  const bytes = plaintext.subarray(metadataSize, end)
  must(
    createHash('sha256')
      .update(bytes)
      .digest()
      .equals(plaintext.subarray(end, end + 32)),
    'the hash',
  )
  must(
    plaintext.subarray(end + 32).every(byte => byte === 0),
    'the padding',
  )
  return { bytes: Uint8Array.from(bytes), metadata }
}

interface Layer {
  inputs: number
  outputs: number
  kh: number
  kw: number
  shift: number
  weights: number[]
  bias: number[]
}

const known = new Map<string, Layer[][]>()

/** The weights of a name: those that are drawn from a sentence, and the files of the trained ones. */
function weightsOf(name: string): Layer[][] {
  if (known.size === 0)
    for (const bytes of [
      drawnWeights(),
      readFileSync(new URL('../../../../models/exact-flow.weights', import.meta.url)),
      readFileSync(new URL('../../../../models/exact-flow-2.weights', import.meta.url)),
    ])
      known.set(createHash('sha256').update(bytes).digest('hex'), networksOf(bytes))
  const networks = known.get(name)
  must(networks !== undefined, 'the weights')
  return networks
}

/** The canonical bytes of the weights that the format was released with. */
function drawnWeights(): Buffer {
  const seed = createHash('sha256')
    .update('A latent image is the one on exposed film that nobody can see until it is developed.')
    .digest()
  const stream = keystream(derive(seed, 'latent/v1/exact-flow/weights'), 400_000)
  let at = 0
  const draw = (): number => {
    for (;;) {
      const word = stream.readUInt32BE(at)
      at += 4
      if (word < 2 ** 32 - (2 ** 32 % 127)) return (word % 127) - 63
    }
  }
  const parts = [Buffer.from('latent exact-flow weights 1\n'), Buffer.from([4])]
  for (let layer = 0; layer < 12; layer++) {
    const [inputs, outputs] = SHAPES[layer % 3]!
    const weights = Array.from({ length: inputs * outputs * 9 }, draw)
    parts.push(Buffer.from([inputs, outputs, 10]), Buffer.from(weights.map(weight => weight & 255)))
    for (let o = 0; o < outputs; o++) {
      const bytes = Buffer.alloc(4)
      bytes.writeInt32LE(
        128 * (1024 - weights.slice(o * inputs * 9, (o + 1) * inputs * 9).reduce((sum, weight) => sum + weight, 0)),
      )
      parts.push(bytes)
    }
  }
  return Buffer.concat(parts)
}

const SHAPES: readonly [number, number][] = [
  [16, 32],
  [32, 32],
  [32, 12],
]

function networksOf(bytes: Buffer): Layer[][] {
  const format = bytes.toString('latin1', 0, 28)
  const first = format === 'latent exact-flow weights 1\n'
  must(first || format === 'latent exact-flow weights 2\n', 'the name of the weights')
  let at = 28
  const byte = () => bytes[at++]!
  const [rounds, depth] = [byte(), first ? 3 : byte()]
  const networks = Array.from({ length: rounds }, () =>
    Array.from({ length: depth }, (_, l): Layer => {
      const [inputs, outputs] = [byte(), byte()]
      must(!first || (inputs === SHAPES[l]![0] && outputs === SHAPES[l]![1]), 'the shape of a layer')
      const [kh, kw] = first ? [3, 3] : [byte(), byte()]
      const shift = byte()
      const weights = Array.from({ length: inputs * outputs * kh * kw }, () => bytes.readInt8(at++))
      const bias = Array.from({ length: outputs }, (_, o) => bytes.readInt32LE(at + 4 * o))
      at += 4 * outputs
      return { inputs, outputs, kh, kw, shift, weights, bias }
    }),
  )
  must(at === bytes.length, 'the end of the weights')
  return networks
}

/** The inverse of the exact flow on one tile. */
function unflow(key: Buffer, tweak: Buffer, tile: Buffer, weights: string): Buffer {
  const rounds = weightsOf(weights)
  const pairs = Math.floor(tile.length / 6)
  const x = Buffer.from(tile.subarray(0, tile.length - 3 * pairs))
  const y = Buffer.from(tile.subarray(x.length))
  const rows = Math.ceil(x.length / 1536)
  for (const i of [3, 2, 1, 0]) {
    const [target, source] = i % 2 === 0 ? [x, y] : [y, x]
    const h = createHmac('sha256', derive(key, `latent/v1/exact-flow/round/${i}`))
      .update(Buffer.concat([u32(tweak.length), tweak, u32(i), u32(tile.length), u32(source.length), source]))
      .digest()
    const stream = keystream(h, target.length + rows * 512)
    const output = network(rounds[i]!, source, stream.subarray(target.length), rows)
    for (let j = 0; j < target.length; j++) target[j]! -= output[j]! + stream[j]!
  }
  const bits = keystream(derive(key, 'latent/v1/exact-flow/split'), Math.ceil(pairs / 8))
  const out = Buffer.alloc(tile.length)
  for (let p = 0; p < pairs; p++) {
    const bit = (bits[p >> 3]! >> (p & 7)) & 1
    x.copy(out, 6 * p + 3 * bit, 3 * p, 3 * p + 3)
    y.copy(out, 6 * p + 3 * (1 - bit), 3 * p, 3 * p + 3)
  }
  x.copy(out, 6 * pairs, 3 * pairs)
  return out
}

function network(layers: Layer[], half: Buffer, map: Buffer, rows: number): number[] {
  const output: number[] = []
  const block = layers[0]!.inputs / 16
  const width = 128 / block
  for (let first = 0; first < rows; first += 32) {
    const height = Math.min(32, rows - first)
    let places: number[][] = Array.from({ length: height * width }, (_, place) => {
      const p = first * 128 + place * block
      return [
        ...Array.from({ length: 12 * block }, (_, c) => half[12 * p + c] ?? 0),
        ...map.subarray(4 * p, 4 * (p + block)),
      ]
    })
    for (const layer of layers) places = places.map((_, place) => convolved(layer, places, place, height, width))
    for (const place of places) for (const value of place) output.push(value)
  }
  return output
}

function convolved(
  { inputs, outputs, kh, kw, shift, weights, bias }: Layer,
  places: number[][],
  place: number,
  height: number,
  width: number,
): number[] {
  const [row, column] = [Math.floor(place / width), place % width]
  const sums = bias.slice()
  for (let tap = 0; tap < kh * kw; tap++) {
    const [y, x] = [row + Math.floor(tap / kw) - (kh - 1) / 2, column + (tap % kw) - (kw - 1) / 2]
    if (y < 0 || y >= height || x < 0 || x >= width) continue
    const values = places[y * width + x]!
    for (let o = 0; o < outputs; o++)
      for (let i = 0; i < inputs; i++) sums[o]! += values[i]! * weights[(o * inputs + i) * kh * kw + tap]!
  }
  return sums.map(sum => {
    const half = sum / 2 ** shift
    const rounded = Math.abs(half % 1) === 0.5 ? 2 * Math.round(half / 2) : Math.round(half)
    return Math.min(255, Math.max(0, rounded))
  })
}
