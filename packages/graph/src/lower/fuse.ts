import type { OnnxAttribute, OnnxNode } from '../onnx.ts'
import { NCHWC } from './blocks.ts'

const ACTIVATIONS = new Set(['Relu', 'LeakyRelu'])

/**
 * Moves (leaky) ReLUs into the blocked convolutions they follow. What else reads the convolution may
 * only be the slope of that activation, for the backward pass: an activation keeps the sign, so it can
 * be read from the result as well.
 * @param outputs names that must stay
 */
export function fuseActivations(nodes: readonly OnnxNode[], outputs: ReadonlySet<string>): OnnxNode[] {
  const readers = new Map<string, OnnxNode[]>()
  for (const node of nodes) for (const input of node.inputs) readers.set(input, [...(readers.get(input) ?? []), node])
  const replaced = new Map<OnnxNode, OnnxNode | undefined>()
  const renamed = new Map<string, string>()
  for (const convolution of nodes) {
    if (convolution.op !== 'Conv' || convolution.domain !== NCHWC) continue
    const shaped = only(readers.get(convolution.outputs[0]!))
    if (shaped?.op !== 'Reshape' || outputs.has(shaped.outputs[0]!)) continue
    const users = readers.get(shaped.outputs[0]!) ?? []
    const activation = users.find(user => ACTIVATIONS.has(user.op))
    if (
      !activation ||
      outputs.has(activation.outputs[0]!) ||
      !users.every(user => user === activation || isSlope(user, readers))
    )
      continue
    const alpha = (activation.attributes?.['alpha'] as { float: number } | undefined)?.float
    const attributes: Record<string, OnnxAttribute> = { ...convolution.attributes, activation: activation.op }
    if (alpha !== undefined) attributes['activation_params'] = { floats: [alpha] }
    replaced.set(convolution, { ...convolution, attributes })
    replaced.set(activation, undefined)
    renamed.set(activation.outputs[0]!, shaped.outputs[0]!)
  }
  return nodes.flatMap(node => {
    const now = replaced.has(node) ? replaced.get(node) : node
    return now ? [{ ...now, inputs: now.inputs.map(input => renamed.get(input) ?? input) }] : []
  })
}

const only = <T>(items: readonly T[] | undefined): T | undefined => (items?.length === 1 ? items[0] : undefined)

/** x * huge, read by a clip alone. */
const isSlope = (node: OnnxNode, readers: ReadonlyMap<string, readonly OnnxNode[]>): boolean =>
  node.op === 'Mul' && (readers.get(node.outputs[0]!) ?? []).every(reader => reader.op === 'Clip')
