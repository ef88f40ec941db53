import type { Image } from '@latent/core'
import { drawPicture, PROCEDURAL_KINDS, type ProceduralKind } from '@latent/data'
import { useModelsFrom } from '@latent/schemes/models'
import { expose } from 'comlink'
import { env } from 'onnxruntime-web/wasm'
import { attackPicture } from '../attack/attack-run.ts'
import { Explorer } from '../explore/study.ts'
import { outcome } from '../vault/fault.ts'
import { catalogue } from './catalogue.ts'
import { shapeFor } from './shapes.ts'

const explorer = new Explorer()

/** What the page calls; see `lab.ts`. */
const served = {
  prepare(models: string, wasm?: Uint8Array) {
    useModelsFrom(models)
    if (wasm) env.wasm.wasmBinary = wasm
  },
  catalogue,
  shapeFor,
  kinds: () => PROCEDURAL_KINDS,
  draw: (kind: ProceduralKind, side: number) => drawPicture(kind, side, side),
  study: (id: string, plain: Image<'u8'>, weights?: Uint8Array) => outcome(() => explorer.study(id, plain, weights)),
  react: (x: number, y: number) => outcome(() => explorer.react(x, y)),
  restore: (damaged: Uint8Array) => outcome(() => explorer.restore(damaged)),
  attack: (attack: string, scheme: string, plain: Image<'u8'>) => outcome(() => attackPicture(attack, scheme, plain)),
}
/** The interface of this worker, for whoever wraps it. */
export type LabServed = typeof served

expose(served)
// Some of what is imported here is ready after a while, and what is sent before is lost.
postMessage('ready')
