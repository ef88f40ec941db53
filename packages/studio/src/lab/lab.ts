import { openLabWorker, SINGLE_FILE, wasmBinary } from '#host'
import { type Remote, wrap } from 'comlink'
import type { LabServed } from './worker.ts'

let lab: Promise<Remote<LabServed>> | undefined

/** The worker in which ciphers and attacks run: started when it is first asked for. */
export const openLab = (): Promise<Remote<LabServed>> => (lab ??= start())

async function start(): Promise<Remote<LabServed>> {
  const worker = openLabWorker()
  await new Promise(resolve => worker.addEventListener('message', resolve, { once: true }))
  const remote = wrap<LabServed>(worker)
  await remote.prepare(new URL('models/', document.baseURI).href, await wasmBinary())
  return remote
}

/** What is known of weights before they are loaded. */
export interface WeightsCard {
  /** Bytes of the file. */
  readonly bytes: number
}

/** The card of weights: nothing where this host does not have them, as the single file has none. */
export async function weightsCard(id: string): Promise<WeightsCard | undefined> {
  if (SINGLE_FILE) return undefined
  const answer = await fetch(new URL(`models/${id}.json`, document.baseURI)).catch(() => undefined)
  return answer?.ok ? ((await answer.json()) as WeightsCard) : undefined
}
