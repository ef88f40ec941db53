// A sandbox whose thumbnailer ends it at some photos, as a fault in native code would.
import { isMainThread } from 'node:worker_threads'
import { serveBatches } from '../src/node/index.ts'

serveBatches({
  flows: () => Promise.reject(new Error('no flow is asked for')),
  thumbnailer: async () => async bytes => {
    const text = Buffer.from(bytes.subarray(0, 16)).toString('latin1')
    if (text.startsWith('ending')) {
      if (isMainThread) process.kill(process.pid, 'SIGSEGV')
      process.exit(7)
    }
    return text.startsWith('slow') ? new Promise(() => undefined) : bytes.slice(0, 4)
  },
})
