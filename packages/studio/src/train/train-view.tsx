import '../lab/lab.css'
import './train.css'
import { RUNTIME_BYTES } from '#host'
import { signal } from '@preact/signals-core'
import { useSignal } from '@preact/signals'
import { useOwnWeights } from '../lab/own-weights.ts'
import { PictureView } from '../lab/picture-view.tsx'
import { schemeInExplore } from '../lab/chosen-scheme.ts'
import { download } from '../shell/save.ts'
import { strings } from '../strings.ts'
import { FaultView } from '../vault/fault-view.tsx'
import { LossChart } from './loss-chart.tsx'
import { graphicsCard, startEngine } from './start-engine.ts'
import { TRAINABLE, type Trainable } from './trainable.ts'
import { TrainState } from './train-state.ts'
import type { TrainBackend } from './trainer.ts'

const text = strings.train
let state: TrainState | undefined
/** Known once the browser has answered. */
const card = signal<Awaited<ReturnType<typeof graphicsCard>> | undefined>(undefined)

function stateOfView(): TrainState {
  if (state) return state
  const made = (state = new TrainState(startEngine))
  const asked = RUNTIME_BYTES.webgpu === undefined ? Promise.resolve('none' as const) : graphicsCard()
  void asked.then(found => {
    card.value = found
    if (found === 'real') made.backend.value = 'webgpu'
  })
  return made
}

/** An auto-encoder, trained in the page. */
export default function TrainView() {
  const view = stateOfView()
  const idle = view.phase.value.is === 'idle'
  return (
    <>
      <div class="intro">
        <h1>{text.heading}</h1>
        <p>{text.lead}</p>
      </div>
      {idle ? <Choices view={view} /> : <Running view={view} />}
      {view.fault.value ? <FaultView fault={view.fault.value} /> : null}
      <About scheme={view.scheme.value} />
    </>
  )
}

interface Props {
  readonly view: TrainState
}

/** What is loaded before the first step. Samples and figures are always computed on the processor. */
const bytesFor = (backend: TrainBackend): number =>
  RUNTIME_BYTES.wasm + (backend === 'webgpu' ? (RUNTIME_BYTES.webgpu ?? 0) : 0)

function Choices({ view }: Props) {
  const bytes = bytesFor(view.backend.value)
  return (
    <div class="train">
      <div class="controls">
        <div class="field">
          <label for="network">{text.network}</label>
          <select
            id="network"
            value={view.scheme.value}
            onChange={({ currentTarget }) => (view.scheme.value = currentTarget.value as Trainable)}
          >
            {TRAINABLE.map(each => (
              <option key={each} value={each}>
                {text.networks[each]}
              </option>
            ))}
          </select>
        </div>
        <Digits view={view} />
        <div class="field">
          <span id="runs-on">{text.runsOn}</span>
          <div class="segments" role="radiogroup" aria-labelledby="runs-on">
            {(['webgpu', 'wasm'] as const).map(each => (
              <label key={each}>
                <input
                  type="radio"
                  name="backend"
                  checked={view.backend.value === each}
                  disabled={each === 'webgpu' && (card.value ?? 'none') === 'none'}
                  onChange={() => (view.backend.value = each)}
                />
                <span>{text.backends[each]}</span>
              </label>
            ))}
          </div>
        </div>
      </div>
      <div class="gate">
        <p class="note">
          {text.size(bytes)} {card.value === 'none' ? text.noCard : ''}
        </p>
        <button type="button" class="primary" onClick={() => void view.begin()}>
          {text.start(bytes)}
        </button>
      </div>
    </div>
  )
}

function Digits({ view }: Props) {
  const over = useSignal(false)
  const file = view.file.value
  const take = (found: File | undefined) => {
    if (found) view.file.value = found
  }
  return (
    <div
      class={`field digits ${over.value ? 'over' : ''}`}
      onDragOver={event => {
        event.preventDefault()
        over.value = true
      }}
      onDragLeave={() => (over.value = false)}
      onDrop={event => {
        event.preventDefault()
        over.value = false
        take(event.dataTransfer?.files[0])
      }}
    >
      <span>{text.digits}</span>
      <div class="with-button">
        <span class="chosen">{file ? file.name : text.drawn}</span>
        {file ? (
          <button type="button" onClick={() => (view.file.value = undefined)}>
            {text.drawnAgain}
          </button>
        ) : null}
        <label class="button">
          <input
            id="digits-file"
            type="file"
            class="visually-hidden"
            onChange={({ currentTarget }) => {
              take(currentTarget.files?.[0])
              currentTarget.value = ''
            }}
          />
          {text.file}
        </label>
      </div>
      <p class="note">{text.drop}</p>
    </div>
  )
}

function Running({ view }: Props) {
  const phase = view.phase.value
  const running = view.running.value
  const last = view.curve.value.at(-1)
  return (
    <div class="train">
      <div class="gate status">
        <div>
          <p aria-live="polite">
            <strong>
              {phase.is === 'digits' ? text.phase.digits(Math.floor(100 * phase.share)) : phaseName(phase.is)}
            </strong>
            {running ? <span class="note"> {whereItRan(running.backend)}</span> : null}
          </p>
          <p class="note">
            {running ? `${text.networks[running.scheme]}: ${text.of(running.digits, running.drawn)}` : ''}
            {last ? `, ${text.steps(last.step, last.steps)}` : ''}
          </p>
        </div>
        <Buttons view={view} />
      </div>
      {last ? (
        <section class="card curve" aria-labelledby="curve-heading">
          <h2 id="curve-heading">{text.curve}</h2>
          <LossChart curve={view.curve.value} steps={last.steps} label={text.curveLabel(last.loss)} />
          <p class="note">{text.curveNote}</p>
          <Figures view={view} />
        </section>
      ) : null}
      <Sheets view={view} />
    </div>
  )
}

const phaseName = (is: Exclude<TrainState['phase']['value']['is'], 'digits'>): string =>
  is === 'idle' ? '' : text.phase[is]

const whereItRan = (backend: TrainBackend): string =>
  backend === 'webgpu' ? text.ranOn.webgpu : text.ranOn.wasm(crossOriginIsolated ? navigator.hardwareConcurrency : 1)

function Buttons({ view }: Props) {
  const { is } = view.phase.value
  const scheme = view.running.value?.scheme
  const withWeights = (use: (bytes: Uint8Array, scheme: Trainable) => void) => () =>
    void view.weights().then(bytes => bytes && scheme && use(bytes, scheme))
  return (
    <div class="buttons">
      {is === 'training' || is === 'pausing' ? (
        <button type="button" class="primary" disabled={is === 'pausing'} onClick={() => view.pause()}>
          {text.pause}
        </button>
      ) : null}
      {is === 'paused' ? (
        <button type="button" class="primary" onClick={() => void view.goOn()}>
          {text.goOn}
        </button>
      ) : null}
      {is === 'paused' || is === 'done' ? (
        <>
          <button
            type="button"
            onClick={withWeights((bytes, scheme) =>
              download(new Blob([bytes as Uint8Array<ArrayBuffer>]), `${scheme}.safetensors`),
            )}
          >
            {text.save}
          </button>
          <button
            type="button"
            onClick={withWeights((bytes, scheme) => {
              useOwnWeights(scheme, { name: `${scheme}.safetensors`, bytes })
              schemeInExplore.value = scheme
              location.hash = 'explore'
            })}
          >
            {text.explore}
          </button>
        </>
      ) : null}
      <button type="button" class="quiet" onClick={() => view.stop()}>
        {is === 'done' ? text.again : text.stop}
      </button>
    </div>
  )
}

function Figures({ view }: Props) {
  const last = view.curve.value.at(-1)!
  const samples = view.samples.value
  return (
    <dl class="numbers">
      {samples ? (
        <>
          <dt>{text.figures.psnr(samples.psnr)}</dt>
          <dd>{text.figures.psnrNote}</dd>
        </>
      ) : null}
      <dt>{text.figures.rate(last.imagesPerSecond)}</dt>
      <dd>{text.figures.rateNote}</dd>
      {view.phase.value.is === 'training' ? (
        <>
          <dt>{text.figures.left(last.secondsLeft)}</dt>
          <dd>{text.figures.leftNote}</dd>
        </>
      ) : null}
    </dl>
  )
}

function Sheets({ view }: Props) {
  const [samples, running] = [view.samples.value, view.running.value]
  if (!samples || !running) return null
  return (
    <section aria-labelledby="samples-heading">
      <h2 id="samples-heading">{text.samples}</h2>
      <p class="note">{text.samplesNote}</p>
      <div class="sheets">
        {(['plain', 'cipher', 'decrypted', 'wrong'] as const).map(which => (
          <figure key={which}>
            <PictureView picture={samples[which]} label={text.pictures[which]} />
            <figcaption>
              {text.pictures[which]}
              {which === 'wrong' ? <span class="note">{text.about[running.scheme].wrong}</span> : null}
            </figcaption>
          </figure>
        ))}
      </div>
    </section>
  )
}

function About({ scheme }: { readonly scheme: Trainable }) {
  return (
    <div class="about">
      <section>
        <h2>{text.learns}</h2>
        <p>{text.about[scheme].learns}</p>
      </section>
      <section>
        <h2>{text.breaks}</h2>
        <p>{text.about[scheme].breaks}</p>
        <p class="note">{text.more}</p>
      </section>
    </div>
  )
}
