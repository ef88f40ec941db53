import { parentPort } from 'node:worker_threads'
import { serveLane } from './lane.ts'

const port = parentPort!
port.on(
  'message',
  serveLane((reply, transfer) => port.postMessage(reply, transfer)),
)
