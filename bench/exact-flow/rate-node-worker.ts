import { parentPort, workerData } from 'node:worker_threads'
import { rate } from './rate.ts'

const port = parentPort!
port.postMessage(await rate(...(workerData as Parameters<typeof rate>)))
