/** How often each byte value meets each one at the same place, as far as both go: 256 counts a value of the first. */
export function jointCounts(first: Uint8Array, second: Uint8Array): Uint32Array {
  const joint = new Uint32Array(65536)
  const n = Math.min(first.length, second.length)
  for (let i = 0; i < n; i++) joint[256 * first[i]! + second[i]!]!++
  return joint
}

/**
 * Counts of the second byte where each bit of the first is set (bit 0 is the lowest), and of all.
 * @param joint of {@link jointCounts}; used up
 */
export function byFirstBit(joint: Uint32Array): { readonly set: readonly Uint32Array[]; readonly all: Uint32Array } {
  const set = Array.from({ length: 8 }, () => new Uint32Array(256))
  // Each turn folds the upper half of the first bytes on to the lower one, and the highest bit is done.
  for (let bit = 7; bit >= 0; bit--) {
    const [counts, half] = [set[bit]!, 256 << bit]
    for (let i = 0; i < half; i++) {
      const count = joint[half + i]!
      counts[i & 255]! += count
      joint[i]! += count
    }
  }
  return { set, all: joint.slice(0, 256) }
}
