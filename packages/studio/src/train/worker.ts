import type { Image } from '@latent/core'
import { expose } from 'comlink'
import { env } from 'onnxruntime-web/wasm'
import { outcome } from '../vault/fault.ts'
import { digitsOf, drawnDigits } from './digits.ts'
import { type Listener, type TrainChoice, Trainer } from './trainer.ts'

/** Of initial weights and the order of digits: another one for every training. */
const newSeed = (): number => crypto.getRandomValues(new Uint32Array(1))[0]!

let digits: readonly Image<'u8'>[] | undefined
let trainer: Trainer | undefined
let listener: Listener = { progress: () => undefined, samples: () => undefined }

/** What the page calls; see `train-state.ts`. */
const served = {
  prepare(wasm: Uint8Array | undefined, progress: Listener['progress'], samples: Listener['samples']) {
    if (wasm) env.wasm.wasmBinary = wasm
    listener = { progress, samples }
  },
  /** Takes the pictures of a file, or draws digits. @returns how many */
  digits: (file: Blob | undefined, report: (share: number) => void) =>
    outcome(async () => {
      digits = file ? await digitsOf(file) : await drawnDigits(report)
      return digits.length
    }),
  open: (choice: TrainChoice) =>
    outcome(async () => {
      await trainer?.close()
      trainer = await Trainer.open(choice, digits!, newSeed())
      return { backend: trainer.backend, ...trainer.progress }
    }),
  train: () => outcome(() => trainer!.train(listener)),
  pause: () => trainer?.pause(),
  weights: () => outcome(() => trainer!.weights()),
}
/** The interface of this worker, for whoever wraps it. */
export type TrainServed = typeof served

expose(served)
// Some of what is imported here is ready after a while, and what is sent before is lost.
postMessage('ready')
