/** Counts how many of its kind run at once, waits, and gives back or throws what it is told. */
export default async function work({
  counts,
  wait = 0,
  value,
  fails,
  bytes,
}: {
  counts?: Int32Array
  wait?: number
  value?: number
  fails?: string
  bytes?: Uint8Array
}): Promise<number> {
  if (counts) {
    const running = Atomics.add(counts, 0, 1) + 1
    if (running > Atomics.load(counts, 1)) Atomics.store(counts, 1, running)
  }
  await new Promise(resolve => setTimeout(resolve, wait))
  if (counts) {
    Atomics.sub(counts, 0, 1)
    Atomics.add(counts, 2, 1)
  }
  if (fails !== undefined) throw new Error(fails)
  return value ?? bytes?.length ?? 0
}
