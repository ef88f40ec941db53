import { argumentError } from '@latent/core'
import type { LinearPredictor } from './ridge.ts'

/**
 * Ridge regression in its dual form: as {@link fitRidge}, for few rows of many values. Work grows with the square of
 * the rows and once with the values, so that a whole picture is one row.
 * @param inputs rows of one length
 * @param outputs the rows that belong to them
 * @param penalty relative to the inputs' mean square, a row
 * @throws E_ARGUMENT without rows
 */
export function fitKernelRidge(
  inputs: readonly Float32Array[],
  outputs: readonly ArrayLike<number>[],
  penalty: number,
): LinearPredictor {
  const rows = inputs.length
  if (rows === 0 || rows !== outputs.length)
    throw argumentError('outputs', `as many rows as inputs, at least one (${rows})`, outputs.length)
  const [inputMean, outputMean] = [meanOf(inputs), meanOf(outputs)]
  const centred = inputs.map(row => row.map((value, i) => value - inputMean[i]!))
  const gram = new Float64Array(rows * rows)
  let trace = 0
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j <= i; j++) gram[i * rows + j] = dot(centred[i]!, centred[j]!)
    trace += gram[i * rows + i]!
  }
  for (let i = 0; i < rows; i++) gram[i * rows + i]! += (penalty * trace) / rows + 1e-9 * trace + 1e-12
  const lower = cholesky(gram, rows)
  return {
    predict(input) {
      const asked = Float32Array.from(input, (value, i) => value - inputMean[i]!)
      const weights = solve(
        lower,
        Float64Array.from(centred, row => dot(row, asked)),
        rows,
      )
      const result = Float64Array.from(outputMean)
      for (let r = 0; r < rows; r++) {
        const [weight, output] = [weights[r]!, outputs[r]!]
        for (let o = 0; o < result.length; o++) result[o]! += weight * (output[o]! - outputMean[o]!)
      }
      return result
    },
  }
}

function meanOf(rows: readonly ArrayLike<number>[]): Float32Array {
  const mean = new Float64Array(rows[0]!.length)
  for (const row of rows) for (let i = 0; i < mean.length; i++) mean[i]! += row[i]! / rows.length
  return Float32Array.from(mean)
}

function dot(a: Float32Array, b: Float32Array): number {
  let sum = 0
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!
  return sum
}

function cholesky(a: Float64Array, n: number): Float64Array {
  for (let i = 0; i < n; i++) {
    for (let j = 0; j <= i; j++) {
      let sum = a[i * n + j]!
      for (let k = 0; k < j; k++) sum -= a[i * n + k]! * a[j * n + k]!
      a[i * n + j] = i === j ? Math.sqrt(Math.max(sum, 1e-12)) : sum / a[j * n + j]!
    }
  }
  return a
}

function solve(lower: Float64Array, b: Float64Array, n: number): Float64Array {
  for (let i = 0; i < n; i++) {
    for (let k = 0; k < i; k++) b[i]! -= lower[i * n + k]! * b[k]!
    b[i]! /= lower[i * n + i]!
  }
  for (let i = n - 1; i >= 0; i--) {
    for (let k = i + 1; k < n; k++) b[i]! -= lower[k * n + i]! * b[k]!
    b[i]! /= lower[i * n + i]!
  }
  return b
}
