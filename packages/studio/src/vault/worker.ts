import { flowsHere } from '#flows'
import { expose } from 'comlink'
import type { Job } from './engine.ts'
import { LocalEngine } from './local-engine.ts'

let tell: (id: number, bytes: number) => void = () => undefined
const { flows, prepare } = flowsHere()
const engine = new LocalEngine(flows)

/** What the page calls; see `worker-engine.ts`. */
const served = {
  prepare,
  onProgress(listener: typeof tell) {
    tell = listener
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
