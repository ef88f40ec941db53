/** Counts how many of its kind run at once, waits, also until the gate is open, and gives back or throws as told. */
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
  const closed = () => gate !== undefined && Atomics.load(gate, 0) === 0
  do await new Promise(resolve => setTimeout(resolve, wait))
  while (closed())
  if (counts) {
    Atomics.sub(counts, 0, 1)
    Atomics.add(counts, 2, 1)
  }
  if (fails !== undefined) throw new Error(fails)
  return value ?? bytes?.length ?? 0
}
