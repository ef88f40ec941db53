import { type ExactFlows, openExactFlow, openFlows } from '@latent/schemes/exact-flow'
import { env } from 'onnxruntime-web/wasm'

/** The cipher for files in the page that is one file: on one thread, with the runtime that the page carries. */
export function flowsHere(): { readonly flows: ExactFlows['flows']; readonly prepare: (wasm?: Uint8Array) => void } {
  const { flows } = openFlows(weights => openExactFlow({ weights }))
  return {
    flows,
    prepare(wasm) {
      if (wasm) env.wasm.wasmBinary = wasm
    },
  }
}
