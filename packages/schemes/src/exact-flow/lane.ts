import { LatentError } from '@latent/core'
import { type ExactFlow, type ExactFlowOptions, openExactFlow } from './engine.ts'

/** A worker's side of the pool: its own sessions, tiles in, tiles out. */
export interface Tile {
  readonly direction: 'encrypt' | 'decrypt'
  readonly key: Uint8Array
  readonly tweak: Uint8Array
  readonly bytes: Uint8Array
}
/** What a lane is told: to open a flow, to close it, or a tile to work on. */
export type Request = { readonly open: ExactFlowOptions } | { readonly close: true } | (Tile & { readonly id: number })
/** What a lane answers. */
export type Reply =
  | { readonly ready: { readonly weightsId: string; readonly backend: string } }
  | { readonly id: number; readonly bytes: Uint8Array }
  | { readonly closed: true }
  /** Without `id`: the lane did not open. */
  | { readonly id?: number; readonly code: string; readonly message: string; readonly hint: string | undefined }

/** @returns what takes the pool's requests, the first of which opens the lane */
export function serveLane(answer: (reply: Reply, transfer: ArrayBuffer[]) => void): (request: Request) => void {
  let flow: ExactFlow
  async function open(options: ExactFlowOptions): Promise<void> {
    flow = await openExactFlow(options)
    answer({ ready: { weightsId: flow.weightsId, backend: flow.backend } }, [])
  }
  async function permute({ id, direction, key, tweak, bytes }: Tile & { id: number }): Promise<void> {
    const result = await flow[direction](key, tweak, bytes, true)
    answer({ id, bytes: result }, [result.buffer as ArrayBuffer])
  }
  return request => {
    const failed = (error: unknown) => answer({ ...('id' in request ? { id: request.id } : {}), ...failure(error) }, [])
    if ('open' in request) open(request.open).catch(failed)
    else if ('close' in request) flow.close().then(() => answer({ closed: true }, []), failed)
    else permute(request).catch(failed)
  }
}

const failure = (error: unknown) =>
  error instanceof LatentError
    ? { code: error.code, message: error.message, hint: error.hint }
    : { code: 'E_INTERNAL', message: String(error), hint: undefined }
