import { serveLane } from './lane.ts'

const serve = serveLane((reply, transfer) => self.postMessage(reply, { transfer }))
self.addEventListener('message', event => serve(event.data))
