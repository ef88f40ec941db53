/** Counts how many of its kind run at once, waits, also for a gate if there is one, and gives back or throws as told. */
export default async function work({
  counts,
  wait = 0,
  gate,
  value,
  fails,
  bytes,
}: {
  counts?: Int32Array
  wait?: number
  gate?: Int32Array
  value?: number
  fails?: string
  bytes?: Uint8Array
}): Promise<number> {
  if (counts) {
    const running = Atomics.add(counts, 0, 1) + 1
    if (running > Atomics.load(counts, 1)) Atomics.store(counts, 1, running)
  }
  do await new Promise(resolve => setTimeout(resolve, wait))
  while (gate && Atomics.load(gate, 0) === 0)
  if (counts) {
    Atomics.sub(counts, 0, 1)
    Atomics.add(counts, 2, 1)
  }
  if (fails !== undefined) throw new Error(fails)
  return value ?? bytes?.length ?? 0
}
