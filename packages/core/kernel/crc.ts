// CRC-32 of PNG and zlib (reflected, 0xEDB88320) in WebAssembly, sixteen bytes a step: built by `npm run kernel`. The
// tests hold it to the plain loop in `../src/crc32-web.ts`.

const POLYNOMIAL: u32 = 0xedb88320
/** Tables that a step looks into: of a byte with so many bytes behind it. They lie at address 0. */
const TABLES: usize = 16
const TABLE: usize = 1024

/** Fills the tables; to be called once. */
export function prepare(): void {
  for (let n: u32 = 0; n < 256; n++) {
    let c = n
    for (let bit = 0; bit < 8; bit++) c = c & 1 ? (c >>> 1) ^ POLYNOMIAL : c >>> 1
    store<u32>(n << 2, c)
  }
  for (let t: usize = 1; t < TABLES; t++)
    for (let n: usize = 0; n < 256; n++) {
      const c = load<u32>((t - 1) * TABLE + (n << 2))
      store<u32>(t * TABLE + (n << 2), (c >>> 8) ^ looked(c, 0, 0))
    }
}

/** What byte `index` of a word comes to with `behind` bytes behind it. */
function looked(word: u32, index: u32, behind: usize): u32 {
  return load<u32>(behind * TABLE + ((<usize>((word >>> (index << 3)) & 255)) << 2))
}

function four(word: u32, behind: usize): u32 {
  return (
    looked(word, 0, behind + 3) ^ looked(word, 1, behind + 2) ^ looked(word, 2, behind + 1) ^ looked(word, 3, behind)
  )
}

export function crc(bytes: usize, length: usize, previous: u32): u32 {
  let c = ~previous
  const end = bytes + length
  for (; end - bytes >= 16; bytes += 16)
    c =
      four(c ^ load<u32>(bytes), 12) ^
      four(load<u32>(bytes, 4), 8) ^
      four(load<u32>(bytes, 8), 4) ^
      four(load<u32>(bytes, 12), 0)
  for (; bytes < end; bytes++) c = (c >>> 8) ^ looked(c ^ load<u8>(bytes), 0, 0)
  return ~c
}
