import { chaoticOrder, chaoticSeeds, henonMap, trailingBytes, trajectory } from '../chaos/index.ts'
import { type ByteTransform, xorInto } from '../contract/bytewise.ts'

const PLANES = 8

/**
 * A bit-plane cipher as usually published: each of the eight planes of bits is permuted by an order of its own, and the
 * bytes that come of it are XORed with a chaotic key stream. A bit never leaves its plane.
 */
export const bitPlane: ByteTransform = {
  async encrypt(bytes, { key }) {
    const { orders, stream } = await drawn(key, bytes.length)
    const out = new Uint8Array(bytes.length)
    for (const [plane, order] of orders.entries())
      for (let i = 0; i < out.length; i++) out[i]! |= bytes[order[i]!]! & (1 << plane)
    return xorInto(out, stream)
  },
  async decrypt(bytes, { key }) {
    const { orders, stream } = await drawn(key, bytes.length)
    const bare = xorInto(bytes, stream)
    const out = new Uint8Array(bytes.length)
    for (const [plane, order] of orders.entries())
      for (let i = 0; i < out.length; i++) out[order[i]!]! |= bare[i]! & (1 << plane)
    return out
  },
}

async function drawn(key: Uint8Array, length: number) {
  const [x, y] = trajectory(henonMap, await chaoticSeeds(key, 'bit-plane', 2), (PLANES + 1) * length)
  return {
    orders: Array.from({ length: PLANES }, (_, plane) =>
      chaoticOrder(x!.subarray(plane * length, (plane + 1) * length)),
    ),
    stream: trailingBytes(y!.subarray(PLANES * length)),
  }
}
