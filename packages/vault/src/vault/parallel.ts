/** Works on up to `lanes` items at once; the first failure ends it, when what is under way has ended. */
export async function inParallel<T>(
  items: Iterable<T> | AsyncIterable<T>,
  lanes: number,
  work: (item: T) => Promise<void>,
): Promise<void> {
  const failures: unknown[] = []
  const underWay = new Set<Promise<void>>()
  for await (const item of items) {
    if (failures.length > 0) break
    const one: Promise<void> = work(item)
      .catch((error: unknown) => void failures.push(error))
      .finally(() => underWay.delete(one))
    underWay.add(one)
    if (underWay.size >= lanes) await Promise.race(underWay)
  }
  await Promise.all(underWay)
  if (failures.length > 0) throw failures[0]
}

/**
 * Maps with up to `lanes` calls under way; results come as they are there. The first failure ends it, when what is
 * under way has come out.
 */
export async function* inAnyOrder<T, R>(
  items: AsyncIterable<T>,
  lanes: number,
  map: (item: T) => Promise<R>,
): AsyncGenerator<R> {
  const failures: unknown[] = []
  const done: R[] = []
  const underWay = new Set<Promise<void>>()
  for await (const item of items) {
    const one: Promise<void> = map(item)
      .then(result => void done.push(result))
      .catch((error: unknown) => void failures.push(error))
      .finally(() => underWay.delete(one))
    underWay.add(one)
    if (underWay.size >= lanes) await Promise.race(underWay)
    yield* done.splice(0)
    if (failures.length > 0) break
  }
  while (underWay.size > 0) {
    await Promise.race(underWay)
    yield* done.splice(0)
  }
  yield* done.splice(0)
  if (failures.length > 0) throw failures[0]
}
