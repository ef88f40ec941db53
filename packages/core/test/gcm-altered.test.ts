import { describe, expect, test } from 'vitest'
import { concatBytes, fromHex } from '../src/index.ts'
import { primitives as node } from '../src/primitives-node.ts'
import { primitives as web } from '../src/primitives-web.ts'
import { GCM } from './vectors/gcm.ts'

describe.each([node, web])('$name', primitives => {
  test.each(GCM)('AES-256-GCM, case $name altered anywhere opens to nothing', async ({ key, iv, aad, sealed }) => {
    const [k, n, s, a] = [fromHex(key), fromHex(iv), fromHex(sealed), fromHex(aad)]
    const opens = async (altered: Partial<Record<'k' | 'n' | 's' | 'a', Uint8Array>>) =>
      (await primitives.aes256GcmOpen(altered.k ?? k, altered.n ?? n, altered.s ?? s, altered.a ?? a)) !== undefined
    const flip = (bytes: Uint8Array, bit: number) =>
      bytes.map((byte, i) => (i === bit >>> 3 ? byte ^ (1 << (bit & 7)) : byte))
    let opened = 0
    for (let bit = 0; bit < 8 * s.length; bit++) if (await opens({ s: flip(s, bit) })) opened++
    for (let bit = 0; bit < 8 * n.length; bit += 5) if (await opens({ n: flip(n, bit) })) opened++
    for (let bit = 0; bit < 8 * a.length; bit += 5) if (await opens({ a: flip(a, bit) })) opened++
    for (let bit = 0; bit < 256; bit += 5) if (await opens({ k: flip(k, bit) })) opened++
    for (const length of [0, 1, 15, s.length - 1]) if (await opens({ s: s.subarray(0, length) })) opened++
    if (await opens({ s: concatBytes(s, Uint8Array.of(0)) })) opened++
    if (await opens({ a: concatBytes(a, Uint8Array.of(0)) })) opened++
    expect(opened).toBe(0)
    expect(await opens({})).toBe(true)
  })
})
