import { parentPort, workerData } from 'node:worker_threads'
import { rate } from './rate.ts'

/** A thread of its own, because the WASM runtime keeps the number of threads it was first given. */
const port = parentPort!
port.postMessage(await rate(...(workerData as Parameters<typeof rate>)))
