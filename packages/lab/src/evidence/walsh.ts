/**
 * Walsh-Hadamard transform in place: entry k becomes the sum of (-1)^(bits of k & v) over entries v. Of byte counts it
 * gives, for every choice of bits k, how often their XOR is 0 beyond how often it is 1; k = 0 is the total.
 * @param stride distance of the entries
 */
export function walsh(values: Float64Array, size = values.length, start = 0, stride = 1): void {
  for (let half = 1; half < size; half *= 2) {
    for (let block = 0; block < size; block += 2 * half) {
      for (let i = block; i < block + half; i++) {
        const a = start + i * stride
        const b = a + half * stride
        const x = values[a]!
        const y = values[b]!
        values[a] = x + y
        values[b] = x - y
      }
    }
  }
}
