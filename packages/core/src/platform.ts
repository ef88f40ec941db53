/**
 * What Node 20 lacks of today's JavaScript, in one place. The types that sources are checked against
 * (`lib` in `tsconfig.json`) have no more than Node 20 has, so that whatever is missing is met here.
 */

/** A promise and what settles it. */
export interface Deferred<T> {
  readonly promise: Promise<T>
  readonly resolve: (value: T | PromiseLike<T>) => void
  readonly reject: (reason: unknown) => void
}

/** `Promise.withResolvers`. */
export function deferred<T = void>(): Deferred<T> {
  let resolve!: Deferred<T>['resolve']
  let reject!: Deferred<T>['reject']
  const promise = new Promise<T>((fulfil, refuse) => {
    resolve = fulfil
    reject = refuse
  })
  return { promise, resolve, reject }
}

/** `Map.groupBy`: groups in the order in which their first item comes. */
export function groupBy<T, K>(items: Iterable<T>, keyOf: (item: T) => K): Map<K, T[]> {
  const groups = new Map<K, T[]>()
  for (const item of items) {
    const key = keyOf(item)
    const group = groups.get(key)
    if (group) group.push(item)
    else groups.set(key, [item])
  }
  return groups
}

export { discardBuffer } from '#discard'

/**
 * The memory of a buffer under another name, which leaves the old one empty. Not by its method `transfer`: what comes
 * from that Chromium copies when it is passed on to another thread.
 */
export function takeBuffer(buffer: ArrayBuffer): ArrayBuffer {
  return structuredClone(buffer, { transfer: [buffer] })
}
