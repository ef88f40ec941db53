/** Nested plain objects and arrays with leaves of one kind: parameters, gradients, batches. */
export type Tree<L> = L | readonly Tree<L>[] | { readonly [key: string]: Tree<L> }

const isBranch = (node: unknown): node is Record<string, unknown> | unknown[] =>
  Array.isArray(node) ||
  (typeof node === 'object' && node !== null && Object.getPrototypeOf(node) === Object.prototype && !('dtype' in node))

/**
 * Leaves with their paths, in order of declaration: `{a: [x, y]}` gives `a.0` and `a.1`. The path of a bare leaf is
 * empty.
 */
export function leaves<L>(tree: Tree<L>, path = ''): [path: string, leaf: L][] {
  if (!isBranch(tree)) return [[path, tree as L]]
  return Object.entries(tree).flatMap(([key, child]) => leaves(child as Tree<L>, path === '' ? key : `${path}.${key}`))
}

/** The same tree with every leaf replaced by what its path (and itself) calls for. */
export function mapTree<M, T>(tree: T, replace: (path: string, leaf: Leaf<T>) => M, path = ''): MapTree<T, M> {
  if (!isBranch(tree)) return replace(path, tree as Leaf<T>) as MapTree<T, M>
  const child = (value: unknown, key: string | number) =>
    mapTree(value, replace as (path: string, leaf: unknown) => M, path === '' ? String(key) : `${path}.${key}`)
  const result = Array.isArray(tree)
    ? tree.map(child)
    : Object.fromEntries(Object.entries(tree).map(([key, value]) => [key, child(value, key)]))
  return result as MapTree<T, M>
}

/** The tree type `T` with leaves of type `M`. Leaves are whatever carries a `dtype`. */
export type MapTree<T, M> = T extends { readonly dtype: unknown }
  ? M
  : T extends readonly (infer U)[]
    ? number extends T['length']
      ? MapTree<U, M>[]
      : { [K in keyof T]: MapTree<T[K], M> }
    : T extends object
      ? { [K in keyof T]: MapTree<T[K], M> }
      : M

/** What a tree of type `T` has as leaves. */
export type Leaf<T> = T extends { readonly dtype: unknown }
  ? T
  : T extends readonly (infer U)[]
    ? Leaf<U>
    : T extends object
      ? Leaf<T[keyof T]>
      : T
