import { makeJaxpr, numpy as np } from '@jax-js/jax'
import type { Jaxpr } from '@jax-js/jax'
import { LatentError } from '@latent/core'
import { backendOfEnvironment } from './backends.ts'
import { fuseActivations } from './lower/fuse.ts'
import { Graph } from './lower/graph.ts'
import type { Value } from './lower/graph.ts'
import type { ConvolutionTarget } from './lower/convolution.ts'
import { dtypeOf, lower } from './lower/lower.ts'
import { encodeModel } from './onnx.ts'
import type { OnnxModel } from './onnx.ts'
import type { Expr } from './ops.ts'
import { openSession } from './runtime.ts'
import type { Backend, SessionOptions } from './runtime.ts'
import { OPSETS } from './target.ts'
import { tensor } from './tensor.ts'
import type { DType, Tensor } from './tensor.ts'
import { leaves, mapTree } from './tree.ts'
import type { MapTree, Tree } from './tree.ts'

/** Type and dimensions of an array that is supplied when a compiled function runs. */
export interface Shape<D extends DType = DType> {
  readonly dtype: D
  readonly dims: readonly number[]
}

/** An argument of a function to be compiled: its dimensions and, unless it is f32, its type. */
export const shape = <D extends DType = 'f32'>(dims: readonly number[], dtype: D = 'f32' as D): Shape<D> => ({
  dtype,
  dims,
})

/** A leaf of a compiled function's arguments: a shape is an input of the graph, a tensor is built into it. */
export type Argument = Shape | Tensor

/** A function of one tree of arrays, written with the operator vocabulary. */
export type Fn<A, R> = (args: MapTree<A, Expr>) => R

const JAX_TYPE: Partial<Record<DType, np.DType>> = { f32: np.float32, i32: np.int32, bool: np.bool }

/**
 * Traces a function and lowers it to one ONNX graph. Input and output names are the paths of the
 * leaves in the argument and result trees (a bare leaf is called `input` or `output`).
 * @throws E_GRAPH for what cannot be lowered
 */
export function build<A, R extends Tree<Expr>>(fn: Fn<A, R>, args: A, target: ConvolutionTarget = {}): OnnxModel {
  const { jaxpr, consts, names } = trace(fn, args)
  const graph = new Graph()
  const bound = leaves<Argument>(args as Tree<Argument>).map(([path, leaf]): Value =>
    'data' in leaf ? graph.constant(leaf) : graph.input(path || 'input', leaf.dtype, leaf.dims),
  )
  const results = lower(graph, jaxpr, [...consts.map(value => graph.constant(value)), ...bound], target)
  const model = graph.model(Object.fromEntries(names.map((name, i) => [name || 'output', results[i]!])), OPSETS)
  return { ...model, nodes: fuseActivations(model.nodes, new Set(model.outputs.map(output => output.name))) }
}

/** A traced function as one flat list of equations, its constants, and the paths of its outputs. */
export function trace<A, R extends Tree<Expr>>(
  fn: Fn<A, R>,
  args: A,
): { jaxpr: Jaxpr; consts: Tensor[]; names: string[] } {
  let names: string[] = []
  const paths = leaves<Argument>(args as Tree<Argument>)
  const flat = (...tracers: Expr[]): Expr[] => {
    const byPath = new Map(paths.map(([path], i) => [path, tracers[i]!]))
    const result = fn(mapTree(args, path => byPath.get(path)!))
    const found = leaves<Expr>(result)
    names = found.map(([path]) => path)
    return found.map(([, leaf]) => leaf.ref)
  }
  const examples = paths.map(([path, { dtype, dims }]) => {
    const type = JAX_TYPE[dtype]
    if (!type)
      throw new LatentError('E_GRAPH', `argument ${path} has element type ${dtype}`, {
        hint: 'traced functions compute in f32, i32 and bool',
      })
    return np.zeros([...dims], { dtype: type })
  })
  const { jaxpr: closed } = makeJaxpr(flat)(...examples)
  const consts = closed.consts.map(value => hostTensor(value as np.Array))
  return { jaxpr: closed.jaxpr.flatten().simplify(), consts, names }
}

/** Reads an array that jax-js holds, without consuming it. */
export function hostTensor(value: np.Array): Tensor {
  const dtype = dtypeOf(value.dtype)
  const data = value.ref.dataSync()
  return tensor(
    dtype,
    value.shape,
    (dtype === 'bool' ? Uint8Array.from(data as Iterable<number>) : data) as Float32Array,
  )
}

/** A function compiled and loaded. */
export interface Compiled {
  readonly backend: Backend
  /** The `.onnx` file that is running. */
  readonly model: Uint8Array
  /** Paths of the arguments to feed. */
  readonly inputs: readonly string[]
  /** Feeds by path; returns outputs by path. */
  run(feeds: Readonly<Record<string, Tensor>>): Promise<Record<string, Tensor>>
  close(): Promise<void>
}

/**
 * Traces, lowers and loads a function for inference, on the environment's backend if the options name none.
 * @throws E_GRAPH, E_BACKEND
 */
export async function compile<A, R extends Tree<Expr>>(
  fn: Fn<A, R>,
  args: A,
  options: SessionOptions = {},
): Promise<Compiled> {
  const model = encodeModel(build(fn, args))
  const backend = options.backend ?? backendOfEnvironment()
  const session = await openSession(model, backend === undefined ? options : { ...options, backend })
  return {
    backend: session.backend,
    model,
    inputs: session.inputs,
    run: feeds => session.run(feeds),
    close: () => session.close(),
  }
}
