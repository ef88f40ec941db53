import { type ExactFlowOptions, openExactFlow } from '../src/exact-flow/index.ts'
import { encryptVector, type FlowVector, type VectorInput } from './exact-flow-vectors.ts'

// Runs in a browser, called by exact-flow-browser.test.ts.

export async function hasAdapter(): Promise<boolean> {
  const { gpu } = navigator as Navigator & { gpu?: { requestAdapter(): Promise<unknown> } }
  return Boolean(await gpu?.requestAdapter())
}

/** The ciphertexts of `inputs` as one backend computes them. */
export async function vectors(options: ExactFlowOptions, inputs: readonly VectorInput[]): Promise<{ weights: string; backend: string; vectors: FlowVector[] }> {
  const flow = await openExactFlow(options)
  const computed: FlowVector[] = []
  for (const input of inputs) computed.push(await encryptVector(flow, input))
  await flow.close()
  return { weights: flow.weightsId, backend: flow.backend, vectors: computed }
}
