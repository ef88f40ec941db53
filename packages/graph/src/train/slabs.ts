import { numpy as np } from '@jax-js/jax'
import * as op from '../ops.ts'
import type { Expr } from '../ops.ts'
import { elementCount, tensor, zeros } from '../tensor.ts'
import type { Tensor } from '../tensor.ts'

/**
 * [Note: Slabs] An optimiser touches every parameter a dozen times a step. One array a parameter means
 * hundreds of tiny operators for a network with many small tensors; one array for all means passes over
 * memory that no cache holds. So small parameters are laid end to end in slabs that a core's cache
 * holds, and large ones are slabs of their own, which are neither cut nor joined.
 */
export interface Slab {
  readonly members: readonly { readonly path: string; readonly dims: readonly number[] }[]
  readonly size: number
}

/** How parameters are gathered into slabs, in elements. */
export interface SlabSizes {
  /** Parameters of at least this size are slabs of their own. */
  readonly large: number
  readonly slab: number
}

/** For processors: slabs stay in the cache while an optimiser passes over them. */
export const CACHED: SlabSizes = { large: 2 ** 14, slab: 2 ** 16 }
/** A graphics card starts every operator at a fixed price: as few as can be. See [Note: Devices]. */
export const WHOLE: SlabSizes = { large: Infinity, slab: Infinity }

/** Which parameters share a slab: neighbours in order, large ones by themselves. */
export function planSlabs(
  parameters: readonly (readonly [path: string, dims: readonly number[]])[],
  { large, slab }: SlabSizes = CACHED,
  alone: (dims: readonly number[]) => boolean = () => false,
): Slab[] {
  const slabs: Slab[] = []
  let open: { path: string; dims: readonly number[] }[] = []
  let size = 0
  const close = () => {
    if (open.length > 0) slabs.push({ members: open, size })
    open = []
    size = 0
  }
  for (const [path, dims] of parameters) {
    const count = elementCount(dims)
    if (count >= large || alone(dims)) {
      slabs.push({ members: [{ path, dims }], size: count })
      continue
    }
    if (size + count > slab) close()
    open.push({ path, dims })
    size += count
  }
  close()
  return slabs
}

/** Dimensions a slab has in a graph: those of its only member, or its length. */
export const slabDims = ({ members, size }: Slab): readonly number[] =>
  members.length === 1 ? members[0]!.dims : [size]

/** Traced: a slab as its members. */
export function cutSlab(slab: Slab, whole: Expr): [path: string, part: Expr][] {
  if (slab.members.length === 1) return [[slab.members[0]!.path, whole]]
  let end = 0
  const ends = slab.members.slice(0, -1).map(({ dims }) => (end += elementCount(dims)))
  const parts = np.split(whole.ref, ends)
  return slab.members.map(({ path, dims }, i) => [path, op.reshape(parts[i]!, dims)])
}

/** Traced: members as a slab. */
export function joinSlab(slab: Slab, parts: ReadonlyMap<string, Expr>): Expr {
  if (slab.members.length === 1) return parts.get(slab.members[0]!.path)!
  return op.concat(
    slab.members.map(({ path, dims }) => op.reshape(parts.get(path)!, [elementCount(dims)])),
    0,
  )
}

/** On the host: tensors by path, laid out as a slab. Absent ones are zero. */
export function fillSlab(slab: Slab, tensors: Readonly<Record<string, Tensor | undefined>>): Tensor<'f32'> {
  const whole = zeros('f32', slabDims(slab))
  let at = 0
  for (const { path, dims } of slab.members) {
    const part = tensors[path]
    if (part) whole.data.set(part.data as Float32Array, at)
    at += elementCount(dims)
  }
  return whole
}

/** On the host: copies of a slab's members. */
export function readSlab(slab: Slab, whole: Tensor): [path: string, part: Tensor<'f32'>][] {
  let at = 0
  return slab.members.map(({ path, dims }) => [
    path,
    tensor('f32', dims, (whole.data as Float32Array).slice(at, (at += elementCount(dims)))),
  ])
}
