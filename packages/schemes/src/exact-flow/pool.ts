import { bytesToFill, type Deferred, deferred, type ErrorCode, LatentError } from '@latent/core'
import type { ExactFlow, ExactFlowOptions } from './engine.ts'
import type { Reply, Request, Tile } from './lane.ts'

/** How many threads share the tiles, and what each of them opens. */
export interface PoolOptions extends ExactFlowOptions {
  /** Default: one a core, at most 8. */
  readonly workers?: number
}

/** A worker thread as the pool sees it: Node's and the browser's differ in little else. */
export interface Thread {
  post(request: Request, transfer: ArrayBuffer[]): void
  /** A pool that is not closed must not keep the process alive; a tile in flight must. */
  hold(busy: boolean): void
  /**
   * [Note: Ending threads] A thread that is ended while native code runs on it takes the process with it,
   * because the native library throws where nobody can catch: nothing may run on it any more.
   */
  stop(): void | Promise<unknown>
}

/** Starts a thread that runs `serveLane`. `failed` means that it will not answer any more. */
export type StartThread = (answered: (reply: Reply) => void, failed: (cause?: unknown) => void) => Thread

/**
 * The exact flow on several threads: whole tiles side by side. One session on n threads is slower
 * than n sessions on one thread each, because hashing, key streams and additions of one tile then
 * overlap with the networks of another.
 * @throws E_BACKEND
 */
export async function openPool(start: StartThread, workers: number, options: ExactFlowOptions): Promise<ExactFlow> {
  const opening = await Promise.allSettled(Array.from({ length: workers }, () => openLane(start, options)))
  const lanes = opening.flatMap(lane => (lane.status === 'fulfilled' ? [lane.value] : []))
  const failed = opening.find(lane => lane.status === 'rejected')
  if (failed) {
    await Promise.all(lanes.map(lane => lane.close()))
    throw failed.reason
  }
  const { weightsId, backend } = lanes[0]!

  function dispatch(tile: Tile, given = false): Promise<Uint8Array> {
    const idlest = lanes.reduce((best, lane) => (lane.pending() < best.pending() ? lane : best))
    return idlest.run(tile, given)
  }

  return {
    weightsId,
    backend,
    lanes: workers,
    encrypt: (key, tweak, bytes, given) => dispatch({ direction: 'encrypt', key, tweak, bytes }, given),
    decrypt: (key, tweak, bytes, given) => dispatch({ direction: 'decrypt', key, tweak, bytes }, given),
    close: async () => void (await Promise.all(lanes.map(lane => lane.close()))),
  }
}

interface Lane {
  readonly weightsId: string
  readonly backend: string
  pending(): number
  run(tile: Tile, given: boolean): Promise<Uint8Array>
  close(): Promise<void>
}

function openLane(start: StartThread, options: ExactFlowOptions): Promise<Lane> {
  const waiting = new Map<number, Deferred<Uint8Array>>()
  const opened = deferred<Lane>()
  let nextId = 0
  let dead: LatentError | undefined
  const ended = deferred()
  let closing: Promise<void> | undefined

  function fail(error: LatentError): void {
    dead = error
    ended.resolve()
    opened.reject(error)
    for (const tile of waiting.values()) tile.reject(error)
    waiting.clear()
  }

  function answered(reply: Reply): void {
    if ('ready' in reply) {
      thread.hold(false)
      opened.resolve({ ...reply.ready, pending: () => waiting.size, run, close: () => (closing ??= drain()) })
      return
    }
    if ('closed' in reply) return fail(new LatentError('E_BACKEND', 'the cipher is closed'))
    const error =
      'code' in reply
        ? new LatentError(reply.code as ErrorCode, reply.message, reply.hint === undefined ? {} : { hint: reply.hint })
        : undefined
    if (reply.id === undefined) {
      fail(error!)
      return void thread.stop()
    }
    const tile = waiting.get(reply.id)!
    waiting.delete(reply.id)
    if (waiting.size === 0 && !closing) thread.hold(false)
    if ('bytes' in reply) tile.resolve(reply.bytes)
    else tile.reject(error)
  }

  function run(tile: Tile, given: boolean): Promise<Uint8Array> {
    // A thread that has ended takes messages and never answers.
    if (dead) return Promise.reject(dead)
    const id = nextId++
    const promised = deferred<Uint8Array>()
    if (waiting.size === 0) thread.hold(true)
    waiting.set(id, promised)
    const bytes = ownBytes(tile.bytes, given)
    thread.post({ ...tile, bytes, id }, [bytes.buffer])
    return promised.promise
  }

  /** Tiles under way are finished first, though nobody may be waiting for them. */
  async function drain(): Promise<void> {
    if (!dead) {
      thread.hold(true)
      thread.post({ close: true }, [])
      await ended.promise
    }
    await thread.stop()
  }

  const thread = start(answered, cause =>
    fail(new LatentError('E_BACKEND', 'a worker thread of the cipher has ended', { cause })),
  )
  thread.post({ open: options }, [])
  return opened.promise
}

/** Bytes that may change hands: what was given, or a copy. A view would take all of the buffer behind it along. */
function ownBytes(bytes: Uint8Array, given: boolean): Uint8Array<ArrayBuffer> {
  if (given && bytes.buffer instanceof ArrayBuffer && bytes.length === bytes.buffer.byteLength)
    return bytes as Uint8Array<ArrayBuffer>
  const copy = bytesToFill(bytes.length)
  copy.set(bytes)
  return copy
}
