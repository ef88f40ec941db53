import {
  type ExactFlow,
  type ExactFlowOptions,
  openExactFlow,
  WEIGHT_SETS,
  type WeightSetName,
} from '../src/exact-flow/index.ts'
import { openExactFlowPool } from '../src/exact-flow/pool-web.ts'
import { encryptVector, type FlowVector, type VectorInput } from './exact-flow-vectors.ts'

// Runs in a browser, called by exact-flow-browser.test.ts.

export async function hasAdapter(): Promise<boolean> {
  const { gpu } = navigator as Navigator & { gpu?: { requestAdapter(): Promise<unknown> } }
  return Boolean(await gpu?.requestAdapter())
}

interface Computed {
  weights: string
  backend: string
  vectors: FlowVector[]
}

/** The ciphertexts of `inputs` under a set of weights, as one backend computes them. */
export const vectors = async (
  set: WeightSetName,
  options: ExactFlowOptions,
  inputs: readonly VectorInput[],
): Promise<Computed> => compute(await openExactFlow({ ...options, weights: await WEIGHT_SETS[set].load() }), inputs)

export const vectorsOfPool = async (
  set: WeightSetName,
  workers: number,
  inputs: readonly VectorInput[],
): Promise<Computed> => compute(await openExactFlowPool({ workers, weights: await WEIGHT_SETS[set].load() }), inputs)

/** Files of ONNX Runtime that the page has fetched. */
export const runtimes = (): string[] =>
  performance
    .getEntriesByType('resource')
    .map(({ name }) => name)
    .filter(name => /ort-wasm[^/]*\.wasm/.test(name))

async function compute(flow: ExactFlow, inputs: readonly VectorInput[]): Promise<Computed> {
  try {
    return {
      weights: flow.weightsId,
      backend: flow.backend,
      vectors: await Promise.all(inputs.map(input => encryptVector(flow, input))),
    }
  } finally {
    await flow.close()
  }
}
