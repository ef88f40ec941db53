import { flowsHere } from '#flows'
import { expose } from 'comlink'
import type { Job } from './engine.ts'
import { LocalEngine } from './local-engine.ts'
import type { Passkeys } from './passkey.ts'

let tell: (id: number, bytes: number) => void = () => undefined
let passkeys: Passkeys | undefined
const { flows, prepare } = flowsHere()
const engine = new LocalEngine(flows, {
  wrap: async (choice, fileKey) => passkeys?.wrap(choice, fileKey),
  unwrap: async (choice, stanzas) => passkeys?.unwrap(choice, stanzas),
})

/** What the page calls; see `worker-engine.ts`. */
const served = {
  prepare,
  onProgress(listener: typeof tell) {
    tell = listener
  },
  /** Whom to ask for passkeys: workers cannot. */
  onPasskeys(page: Passkeys) {
    passkeys = page
  },
  run: (job: Job) => engine.run(job, bytes => tell(job.id, bytes)),
  cancel: (id: number) => engine.cancel(id),
  intentOf: engine.intentOf,
  unlock: engine.unlock.bind(engine),
  readKeyFile: engine.readKeyFile.bind(engine),
  newKey: engine.newKey,
  drawPassphrase: engine.drawPassphrase,
  strengthOf: engine.strengthOf,
}
/** The interface of this worker, for whoever wraps it. */
export type Served = typeof served

expose(served)
