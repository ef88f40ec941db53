import { LatentError } from '@latent/core'
import { openExactFlow, openFlows } from '@latent/schemes/exact-flow'
import { setImmediate } from 'node:timers/promises'
import { parentPort } from 'node:worker_threads'
import { BATCH_FILES, type NotWhole, type SealedWhole, type SealTask, sealWhole } from './seal-whole.ts'

// One of the threads of `file-threads.ts`: it has networks of its own and works on a few small files at a time.

/** What a thread is told: files to work on, or that there will be no more. */
export type Request = { readonly tasks: readonly SealTask[] } | { readonly close: true }
/** What became of a file. */
export type Outcome =
  | { readonly made: SealedWhole | NotWhole }
  | { readonly code: string; readonly message: string; readonly hint: string | undefined }
/** What a thread answers: one outcome a file, in their order. */
export type Reply = { readonly ready: true } | { readonly outcomes: readonly Outcome[] } | { readonly closed: true }

const port = parentPort!
const TOGETHER = { tiles: BATCH_FILES, turn: () => setImmediate() }
const { flows, close } = openFlows(weights => openExactFlow({ weights, threads: 1, together: TOGETHER }))
const answer = (reply: Reply, transfer: ArrayBuffer[] = []) => port.postMessage(reply, transfer)

async function outcomeOf(task: SealTask): Promise<Outcome> {
  try {
    return { made: await sealWhole(task, flows) }
  } catch (error) {
    if (error instanceof LatentError) return { code: error.code, message: error.message, hint: error.hint }
    return { code: 'E_INTERNAL', message: String(error), hint: undefined }
  }
}

async function work(tasks: readonly SealTask[]): Promise<void> {
  // Side by side, so that the networks take their tiles together.
  const outcomes = await Promise.all(tasks.map(outcomeOf))
  const given = outcomes.flatMap(outcome =>
    'made' in outcome && typeof outcome.made === 'object' ? [outcome.made.png.buffer as ArrayBuffer] : [],
  )
  answer({ outcomes }, given)
}

async function end(): Promise<void> {
  await close()
  answer({ closed: true })
}

let last: Promise<void> = Promise.resolve()
port.on('message', (request: Request) => {
  last = last.then(() => ('close' in request ? end() : work(request.tasks)))
})
answer({ ready: true })
