/** FlowCrypt's split, written down as directly as can be. */

/** One for every pixel that fewer than half of all pixels rank before. */
export function slowMask(words: Uint32Array): Uint8Array {
  return Uint8Array.from(words, (word, i) => {
    let before = 0
    for (let j = 0; j < words.length; j++) if (words[j]! < word || (words[j] === word && j < i)) before++
    return before < words.length / 2 ? 1 : 0
  })
}

/** Pixels of ones row by row, pixels of zeros column by column; `planes` is `[3, height, width]`. */
export function slowSplit(
  planes: Float32Array,
  mask: Uint8Array,
  width: number,
  height: number,
): { first: Float32Array; second: Float32Array } {
  const first: number[] = []
  const second: number[] = []
  for (let c = 0; c < 3; c++) {
    for (let y = 0; y < height; y++)
      for (let x = 0; x < width; x++) if (mask[y * width + x] === 1) first.push(planes[(c * height + y) * width + x]!)
    for (let x = 0; x < width; x++)
      for (let y = 0; y < height; y++) if (mask[y * width + x] === 0) second.push(planes[(c * height + y) * width + x]!)
  }
  return { first: Float32Array.from(first), second: Float32Array.from(second) }
}
