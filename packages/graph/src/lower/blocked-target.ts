import { blockedConvolution } from './blocked-convolution.ts'
import { weaveBlocked } from './blocks.ts'
import type { ConvolutionTarget } from './convolution.ts'
import { weightGradient } from './weight-gradient.ts'

/**
 * Convolutions and their weight gradients in ONNX Runtime's blocked layout ([Note: Blocked images]),
 * for the native backend on processors whose blocks hold `size` channels.
 */
export function blockedTarget(size: number): ConvolutionTarget {
  return {
    convolution: (graph, lhs, rhs, plain) => blockedConvolution(graph, lhs, rhs, plain, size),
    weightGradient: (graph, lhs, rhs, params, outputDims) => weightGradient(graph, lhs, rhs, params, outputDims, size),
    weave: (graph, parts, steps) => weaveBlocked(graph, parts, steps),
  }
}
