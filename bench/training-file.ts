import {
  leaves,
  lossModel,
  type OnnxModel,
  type Parameter,
  type Tensor,
  tensorBytes,
  type Training,
} from '@latent/graph'
import { joinBytes } from '@latent/core'
import type { Tree } from '@latent/graph'

/** What a training problem's batches are made of, for a program that makes them itself. */
export type BatchKind = 'pair' | 'flowcrypt'

/**
 * A training problem for a runtime that differentiates by itself (`bench/peers/train_graph.py`): the loss of each phase
 * and what is measured of a validation picture as lists of operators, and how each parameter is drawn. A little-endian
 * length, JSON of that length, constants.
 */
export function trainingFile(
  { networks, batch, phases, average }: Training<never, never>,
  facts: { readonly recipe: string; readonly kind: BatchKind },
  check: OnnxModel,
): Uint8Array {
  const blobs: Uint8Array[] = []
  let offset = 0
  const described = ({ nodes, inputs, outputs, initializers = {} }: OnnxModel) => ({
    nodes: nodes.map(({ op, inputs, outputs, attributes = {} }) => ({
      op,
      inputs,
      outputs,
      attributes: Object.fromEntries(Object.entries(attributes).map(([name, value]) => [name, bare(value)])),
    })),
    inputs,
    outputs: outputs.map(({ name }) => name),
    constants: Object.entries(initializers).map(([name, value]: [string, Tensor]) => {
      const bytes = tensorBytes(value)
      blobs.push(bytes)
      offset += bytes.length
      return { name, dtype: value.dtype, dims: value.dims, offset: offset - bytes.length, bytes: bytes.length }
    }),
  })
  const header = {
    ...facts,
    average,
    batch,
    parameters: leaves<Parameter>(networks as Tree<Parameter>).map(([path, { dims, init }]) => ({ path, dims, init })),
    phases: (phases as unknown as Training['phases']).map(phase => ({
      name: phase.name,
      trains: phase.trains,
      clip: phase.clip,
      rule: phase.optimiser.rule,
      model: described(lossModel({ networks, batch } as unknown as Training, phase)),
    })),
    check: described(check),
  }
  const json = new TextEncoder().encode(JSON.stringify(header))
  return joinBytes([new Uint8Array(Uint32Array.of(json.length).buffer), json, ...blobs])
}

const bare = (value: unknown): unknown =>
  typeof value === 'object' && value !== null && 'float' in value ? value.float : value
