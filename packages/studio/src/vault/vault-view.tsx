import './vault.css'
import { saveZip } from '../shell/save.ts'
import { strings } from '../strings.ts'
import { DropZone } from './drop-zone.tsx'
import type { Engine } from './engine.ts'
import { FaultView } from './fault-view.tsx'
import { Gallery } from './gallery.tsx'
import { KeyCard } from './key-card.tsx'
import { KeyState } from './key-state.ts'
import { NewKeyDialog } from './new-key-dialog.tsx'
import { PlaceCard } from './place-card.tsx'
import { PlaceState } from './place-state.ts'
import { QueueList } from './queue-list.tsx'
import { RecyclingEngine } from './recycling-engine.ts'
import { VaultSession } from './session.ts'
import { startWorker } from './worker-engine.ts'

const text = strings.vault

/** An engine is let go of after so much. */
const ENDURANCE = { files: 200, bytes: 4e9 }

interface State {
  readonly engine: Engine
  readonly session: VaultSession
  readonly keys: KeyState
  readonly place: PlaceState
}

let state: State | undefined

/** Made when the view is first shown, and kept when another is. */
function stateOfView(): State {
  if (state) return state
  const engine = new RecyclingEngine(startWorker, ENDURANCE)
  state = { engine, session: new VaultSession(engine), keys: new KeyState(engine), place: new PlaceState() }
  void state.place.openScratch()
  return state
}

/** Sealing and opening. */
export default function VaultView() {
  const { engine, session, keys, place } = stateOfView()
  const { toSeal, toOpen } = session.totals.value
  const start = () => void session.start(keys.choice.value, place.places.value)
  const any = session.entries.value.length > 0
  const offered = !place.intoFolder.value
  const pictures = session.results.value.filter(
    ({ intent, type }) => intent === 'open' && /^(?:image|video)\//.test(type),
  )
  return (
    <>
      <div class="intro">
        <h1>{text.heading}</h1>
        <p>{text.lead}</p>
      </div>
      <div class="vault">
        <div class="files">
          <Leftover place={place} />
          <DropZone add={found => void session.add(found)} small={any} />
          {any ? (
            <section aria-labelledby="queue-heading">
              <h2 id="queue-heading" class="visually-hidden">
                {text.queue}
              </h2>
              <Summary session={session} place={place} start={start} />
              <QueueList session={session} offered={offered} />
              {offered ? <Results session={session} /> : null}
            </section>
          ) : null}
        </div>
        <div class="settings">
          <KeyCard keys={keys} engine={engine} sealing={toSeal > 0 || !any} />
          <PlaceCard place={place} />
          {session.keyFault.value ? <FaultView fault={session.keyFault.value} /> : null}
          {session.warnings.value.map(warning => (
            <FaultView key={warning.code} fault={warning} />
          ))}
          <div class="start">
            {session.running.value ? (
              <button type="button" class="primary" onClick={() => session.stop()}>
                {text.stop}
              </button>
            ) : (
              <button type="button" class="primary" disabled={toSeal + toOpen === 0} onClick={start}>
                {text.start(toSeal, toOpen)}
              </button>
            )}
          </div>
        </div>
      </div>
      {pictures.length > 0 ? <Gallery pictures={pictures} /> : null}
      <NewKeyDialog keys={keys} />
    </>
  )
}

function Summary({ session, place, start }: Pick<State, 'session' | 'place'> & { readonly start: () => void }) {
  const { toSeal, toOpen, done, failed, share, rate, secondsLeft } = session.totals.value
  const running = session.running.value
  return (
    <div class="summary">
      <p aria-live="polite">{text.totals(toSeal, toOpen, done, failed)}</p>
      <p class="pace">
        {running && rate !== undefined ? text.rate(rate) : ''}
        {running && secondsLeft !== undefined ? ` · ${text.left(secondsLeft)}` : ''}
      </p>
      {running ? <progress value={share} max={1} aria-label={text.progress} /> : null}
      {!running && (failed > 0 || done > 0) ? (
        <div class="buttons">
          {failed > 0 ? (
            <button
              type="button"
              onClick={() => {
                session.retry()
                start()
              }}
            >
              {text.retry(failed)}
            </button>
          ) : null}
          {done > 0 ? (
            <button type="button" class="quiet" onClick={() => clear({ session, place })}>
              {text.clear}
            </button>
          ) : null}
        </div>
      ) : null}
    </div>
  )
}

function clear({ session, place }: Pick<State, 'session' | 'place'>): void {
  session.clearDone()
  void place.discard()
}

function Results({ session }: { readonly session: VaultSession }) {
  const results = session.results.value
  if (results.length < 2 || session.running.value) return null
  const bytes = results.reduce((sum, { output }) => sum + output.size, 0)
  const sealed = results.filter(({ intent }) => intent === 'seal').length
  const name = text.results.zipName[sealed === results.length ? 'seal' : sealed === 0 ? 'open' : 'both']
  return (
    <div class="results">
      <p>{text.results.ready(results.length, bytes)}</p>
      <button
        type="button"
        class="primary"
        onClick={() =>
          void saveZip(
            results.map(({ path, output }) => ({ path, file: output })),
            name,
          )
        }
      >
        {text.results.zip}
      </button>
    </div>
  )
}

function Leftover({ place }: { readonly place: PlaceState }) {
  const left = place.leftover.value
  if (left.length === 0) return null
  return (
    <div class="card leftover" role="status">
      <p>{text.results.leftover(left.length)}</p>
      <div class="buttons">
        <button type="button" onClick={() => void saveZip(left, text.results.zipName.seal)}>
          {text.results.leftoverSave}
        </button>
        <button type="button" class="quiet" onClick={() => void place.discard()}>
          {text.results.leftoverDiscard}
        </button>
      </div>
    </div>
  )
}
