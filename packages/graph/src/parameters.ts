import { KeyStream } from '@latent/core'
import { elementCount, tensor } from './tensor.ts'
import type { Tensor } from './tensor.ts'
import { leaves, mapTree } from './tree.ts'
import type { MapTree, Tree } from './tree.ts'

/** A parameter before it has values: its shape and the distribution that its initial values are drawn from. */
export interface Parameter {
  readonly dtype: 'f32'
  readonly dims: readonly number[]
  readonly init:
    | { readonly kind: 'constant'; readonly value: number }
    | { readonly kind: 'normal'; readonly deviation: number; readonly outer?: number }
    | { readonly kind: 'given'; readonly values: Tensor<'f32'> }
    | { readonly kind: 'uniform'; readonly bound: number }
}

/** A parameter whose every entry starts at one value. */
export const constantOf = (dims: readonly number[], value: number): Parameter => ({
  dtype: 'f32',
  dims,
  init: { kind: 'constant', value },
})
/** A parameter that starts at zero. */
export const zerosOf = (dims: readonly number[]): Parameter => constantOf(dims, 0)
/** A parameter that starts at one. */
export const ones = (dims: readonly number[]): Parameter => constantOf(dims, 1)
/** A parameter drawn from a normal distribution with mean zero and this standard deviation. */
export const normal = (dims: readonly number[], deviation: number): Parameter => ({
  dtype: 'f32',
  dims,
  init: { kind: 'normal', deviation },
})
/** Starts at these values: what another training or a rule has found. */
export const given = (values: Tensor<'f32'>): Parameter => ({
  dtype: 'f32',
  dims: values.dims,
  init: { kind: 'given', values },
})
/** Uniform in -bound..bound. */
export const uniform = (dims: readonly number[], bound: number): Parameter => ({
  dtype: 'f32',
  dims,
  init: { kind: 'uniform', bound },
})

/**
 * Normal with the variance that keeps activations' scale through a (leaky) ReLU (He et al. 2015).
 * `outer` is for kernels `[outputs, inputs, h, w]` of odd sides: a factor of all taps but the middle one, which makes
 * up for the variance they lose. Below 1 a convolution begins near one of single pixels. Default 1.
 */
export function heNormal(
  dims: readonly number[],
  fanIn: number,
  { gain = 1, slope = 0, outer = 1 }: { gain?: number; slope?: number; outer?: number } = {},
): Parameter {
  const deviation = gain * Math.sqrt(2 / ((1 + slope ** 2) * fanIn))
  return outer === 1 ? normal(dims, deviation) : { dtype: 'f32', dims, init: { kind: 'normal', deviation, outer } }
}

/** Number of trainable values in a tree. */
export function parameterCount(tree: Tree<{ readonly dims: readonly number[] }>): number {
  return leaves(tree).reduce((count, [, leaf]) => count + elementCount((leaf as Parameter).dims), 0)
}

/** A seed as 32 key bytes: equal seeds give equal weights and data orders on every machine. */
export function seedKey(seed: number): Uint8Array {
  const key = new Uint8Array(32)
  new DataView(key.buffer).setFloat64(24, seed)
  return key
}

/**
 * Draws initial values. Every parameter has a stream of its own, named by its path, so that adding a
 * layer leaves the others as they were.
 */
export async function initialise<T>(tree: T, seed: number): Promise<MapTree<T, Tensor<'f32'>>> {
  const drawn = new Map<string, Tensor<'f32'>>()
  for (const [path, parameter] of leaves(tree as Tree<Parameter>)) drawn.set(path, await draw(parameter, seed, path))
  return mapTree(tree, path => drawn.get(path)!)
}

async function draw({ dims, init }: Parameter, seed: number, path: string): Promise<Tensor<'f32'>> {
  if (init.kind === 'given') return tensor('f32', dims, init.values.data.slice())
  const count = elementCount(dims)
  const data = new Float32Array(count)
  if (init.kind === 'constant') return tensor('f32', dims, data.fill(init.value))
  const stream = await KeyStream.create(seedKey(seed), 'latent/v1/initial-weights', new TextEncoder().encode(path))
  if (init.kind === 'uniform') {
    const u = await stream.uniforms(count)
    for (let i = 0; i < count; i++) data[i] = (2 * u[i]! - 1) * init.bound
    return tensor('f32', dims, data)
  }
  const z = await normals(stream, count)
  for (let i = 0; i < count; i++) data[i] = z[i]! * init.deviation
  if (init.outer !== undefined) focus(data, dims, init.outer)
  return tensor('f32', dims, data)
}

/** Scales the taps of kernels around the middle one, and that one so that the kernel's variance stays. */
function focus(data: Float32Array, dims: readonly number[], outer: number): void {
  const taps = dims[2]! * dims[3]!
  const middle = Math.sqrt(taps - (taps - 1) * outer ** 2)
  for (let i = 0; i < data.length; i++) data[i]! *= i % taps === (taps - 1) / 2 ? middle : outer
}

/** Standard normal draws by Box and Muller (1958). */
export async function normals(stream: KeyStream, count: number): Promise<Float32Array> {
  const u = await stream.uniforms(2 * Math.ceil(count / 2))
  const out = new Float32Array(count)
  for (let i = 0; i < count; i += 2) {
    const radius = Math.sqrt(-2 * Math.log(1 - u[i]!))
    out[i] = radius * Math.cos(2 * Math.PI * u[i + 1]!)
    if (i + 1 < count) out[i + 1] = radius * Math.sin(2 * Math.PI * u[i + 1]!)
  }
  return out
}
