import { argumentError } from '@latent/core'

/**
 * Ridge regression as an attack: from known pairs of cipher and plain it learns the linear map that
 * predicts one from the other best. A cipher that falls to it needs no network to be broken.
 */
export interface LinearPredictor {
  /** @param input as long as those it was fitted to */
  readonly predict: (input: ArrayLike<number>) => Float64Array
}

/**
 * Least squares with a penalty on the map's squares; input and output are centred first.
 * @param inputs rows of one length
 * @param outputs the rows that belong to them, of one length too
 * @param penalty relative to the inputs' mean variance, a pair
 * @throws E_ARGUMENT
 */
export function fitRidge(
  inputs: readonly ArrayLike<number>[],
  outputs: readonly ArrayLike<number>[],
  penalty = 0.01,
): LinearPredictor {
  if (inputs.length === 0 || inputs.length !== outputs.length)
    throw argumentError('outputs', `as many rows as inputs, at least one (${inputs.length})`, outputs.length)
  const [wide, out] = [inputs[0]!.length, outputs[0]!.length]
  const [inputMean, outputMean] = [meanRow(inputs), meanRow(outputs)]
  const gram = new Float64Array(wide * wide)
  const cross = new Float64Array(wide * out)
  const centred = new Float64Array(wide)
  for (const [n, input] of inputs.entries()) {
    const output = outputs[n]!
    for (let i = 0; i < wide; i++) centred[i] = input[i]! - inputMean[i]!
    const residual = Float64Array.from({ length: out }, (_, o) => output[o]! - outputMean[o]!)
    for (let i = 0; i < wide; i++) {
      const value = centred[i]!
      if (value === 0) continue
      for (let j = 0, at = i * wide; j <= i; j++) gram[at + j]! += value * centred[j]!
      for (let o = 0, at = i * out; o < out; o++) cross[at + o]! += value * residual[o]!
    }
  }
  let trace = 0
  for (let i = 0; i < wide; i++) trace += gram[i * wide + i]!
  const ridge = penalty * (trace / wide) + 1e-9 * trace + 1e-12
  for (let i = 0; i < wide; i++) gram[i * wide + i]! += ridge
  solve(gram, cross, wide, out)
  return {
    predict(input) {
      const result = outputMean.slice()
      for (let i = 0; i < wide; i++) {
        const value = input[i]! - inputMean[i]!
        if (value !== 0) for (let o = 0, at = i * out; o < out; o++) result[o]! += value * cross[at + o]!
      }
      return result
    },
  }
}

function meanRow(rows: readonly ArrayLike<number>[]): Float64Array {
  const mean = new Float64Array(rows[0]!.length)
  for (const row of rows) for (let i = 0; i < mean.length; i++) mean[i]! += row[i]! / rows.length
  return mean
}

/**
 * Solves `a x = b` for a symmetric positive definite `a` (lower half given), by Cholesky; both are overwritten, `b` by
 * `x`.
 */
function solve(a: Float64Array, b: Float64Array, n: number, columns: number): void {
  for (let i = 0; i < n; i++) {
    for (let j = 0; j <= i; j++) {
      let sum = a[i * n + j]!
      for (let k = 0; k < j; k++) sum -= a[i * n + k]! * a[j * n + k]!
      a[i * n + j] = i === j ? Math.sqrt(Math.max(sum, 1e-12)) : sum / a[j * n + j]!
    }
  }
  const subtract = (row: number, other: number, factor: number) => {
    if (factor !== 0) for (let c = 0; c < columns; c++) b[row * columns + c]! -= factor * b[other * columns + c]!
  }
  const divide = (row: number) => {
    for (let c = 0; c < columns; c++) b[row * columns + c]! /= a[row * n + row]!
  }
  for (let i = 0; i < n; i++) {
    for (let k = 0; k < i; k++) subtract(i, k, a[i * n + k]!)
    divide(i)
  }
  for (let i = n - 1; i >= 0; i--) {
    for (let k = i + 1; k < n; k++) subtract(i, k, a[k * n + i]!)
    divide(i)
  }
}
