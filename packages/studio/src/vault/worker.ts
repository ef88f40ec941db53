import { flowsHere } from '#flows'
import { type CarriedDecoders, webDecoder } from '@latent/robust/web'
import { expose } from 'comlink'
import type { Job } from './engine.ts'
import type { Picture } from './gather.ts'
import { LocalEngine } from './local-engine.ts'
import type { Passkeys } from './passkey.ts'
import { type Passed, Progress } from './progress.ts'

let tell: (passed: Passed) => void = () => undefined
const progress = new Progress(passed => tell(passed))
let passkeys: Passkeys | undefined
let decode = webDecoder()
const { flows, prepare } = flowsHere()
const engine = new LocalEngine(
  flows,
  {
    wrap: async (choice, fileKey) => passkeys?.wrap(choice, fileKey),
    unwrap: async (choice, stanzas) => passkeys?.unwrap(choice, stanzas),
  },
  (bytes, limits) => decode(bytes, limits),
)

/** What the page calls; see `worker-engine.ts`. */
const served = {
  prepare(wasm?: Uint8Array, decoders?: CarriedDecoders) {
    prepare(wasm)
    if (decoders) decode = webDecoder(decoders)
  },
  onProgress(listener: typeof tell) {
    tell = listener
  },
  /** Whom to ask for passkeys: workers cannot. */
  onPasskeys(page: Passkeys) {
    passkeys = page
  },
  run: (job: Job) => engine.run(job, bytes => progress.report(job.id, bytes)).finally(() => progress.forget(job.id)),
  gather: (pictures: readonly Picture[]) =>
    engine.gather(pictures, progress.report).finally(() => {
      for (const { id } of pictures) progress.forget(id)
    }),
  cancel: (id: number) => engine.cancel(id),
  lookAt: engine.lookAt,
  unlock: engine.unlock.bind(engine),
  readKeyFile: engine.readKeyFile.bind(engine),
  newKey: engine.newKey,
  drawPassphrase: engine.drawPassphrase,
  strengthOf: engine.strengthOf,
}
/** The interface of this worker, for whoever wraps it. */
export type Served = typeof served

expose(served)
