import { INPUT_ROW_BYTES, onnxNetworks, PICTURE_ROWS, ROW_BYTES, sealingWeights } from '@latent/schemes/exact-flow'
import { on } from 'node:events'
import { parentPort, workerData } from 'node:worker_threads'

// The four networks of whole tiles and nothing else: what the rest of the cipher is measured against.
const networks = await onnxNetworks(await sealingWeights(), { threads: 1 })
const input = Uint8Array.from({ length: PICTURE_ROWS * INPUT_ROW_BYTES }, (_, i) => i * i)
const output = new Uint8Array(PICTURE_ROWS * ROW_BYTES)
const tile = async () => {
  for (let round = 0; round < 4; round++)
    for (let picture = 0; picture < 8; picture++) await networks.run(round, input, PICTURE_ROWS, output)
}
await tile()
parentPort!.postMessage('ready')
for await (const _ of on(parentPort!, 'message')) {
  for (let i = 0; i < (workerData as number); i++) await tile()
  parentPort!.postMessage('done')
}
