import { LatentError } from '@latent/core'
import { openExactFlow, openFlows } from '@latent/schemes/exact-flow'
import { setImmediate } from 'node:timers/promises'
import { parentPort } from 'node:worker_threads'
import { KnownAlbums, type Locked, type OpenedWhole, type OpenTask, openWhole } from './open-whole.ts'
import { BATCH_FILES, type NotWhole, type SealedWhole, type SealTask, sealWhole } from './seal-whole.ts'

// One of the threads of `file-threads.ts`: it has networks of its own and works on a few small files at a time.

/** A small file, and what is to be done with it. */
export type Task = SealTask | OpenTask
/** What is made of it. */
export type Made = SealedWhole | NotWhole | OpenedWhole | Locked
/** What a thread is told: files to work on, or that there will be no more. */
export type Request = { readonly tasks: readonly Task[] } | { readonly close: true }
/** What became of a file. */
export type Outcome =
  | { readonly made: Made | undefined }
  | { readonly code: string; readonly message: string; readonly hint: string | undefined }
/** What a thread answers: one outcome a file, in their order. */
export type Reply = { readonly ready: true } | { readonly outcomes: readonly Outcome[] } | { readonly closed: true }

const port = parentPort!
const TOGETHER = { tiles: BATCH_FILES, turn: () => setImmediate() }
const { flows, close } = openFlows(weights => openExactFlow({ weights, threads: 1, together: TOGETHER }))
const answer = (reply: Reply, transfer: ArrayBuffer[] = []) => port.postMessage(reply, transfer)

const albums = new KnownAlbums()

async function outcomeOf(task: Task): Promise<Outcome> {
  try {
    return { made: await ('how' in task ? sealWhole(task, flows) : openWhole(task, albums, flows)) }
  } catch (error) {
    if (error instanceof LatentError) return { code: error.code, message: error.message, hint: error.hint }
    return { code: 'E_INTERNAL', message: String(error), hint: undefined }
  }
}

async function work(tasks: readonly Task[]): Promise<void> {
  // Side by side, so that the networks take their tiles together.
  const outcomes = await Promise.all(tasks.map(outcomeOf))
  answer(
    { outcomes },
    outcomes.flatMap(outcome => ('made' in outcome ? givenWith(outcome.made) : [])),
  )
}

/** What changes hands, and is not copied. */
function givenWith(made: Made | undefined): ArrayBuffer[] {
  if (typeof made !== 'object' || 'locked' in made) return []
  const bytes = 'png' in made ? made.png : made.bytes
  return bytes ? [bytes.buffer as ArrayBuffer] : []
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
