import './attack.css'
import { openLab } from '../lab/lab.ts'
import { PicturePicker } from '../lab/picture-picker.tsx'
import { chosenPicture, squareOf } from '../lab/picture-source.ts'
import { PictureView } from '../lab/picture-view.tsx'
import { wanted, WeightsGate } from '../lab/weights-gate.tsx'
import { strings } from '../strings.ts'
import { FaultView } from '../vault/fault-view.tsx'
import { AttackState, type Line, verdictOf } from './attack-state.ts'
import { DEMONSTRATIONS, SIDE } from './demonstrations.ts'

const text = strings.attack
let state: AttackState | undefined

/** Attacks that run in seconds, on a picture of the user's. */
export default function AttackView() {
  const view = (state ??= new AttackState(openLab()))
  const { attack } = view.chosen.value
  const weights = view.weights.value
  const gated = weights !== undefined && !wanted.value.has(weights)
  const run = () => void view.run(() => squareOf(chosenPicture.value, { side: SIDE, channels: 3 }))
  return (
    <>
      <div class="intro">
        <h1>{text.heading}</h1>
        <p>{text.lead}</p>
      </div>
      <div class="attack">
        <div class="choose">
          <PicturePicker />
          <div role="radiogroup" aria-label={text.heading} class="attacks">
            {DEMONSTRATIONS.map(each => (
              <label key={each.attack} class={each.attack === attack ? 'chosen' : ''}>
                <input
                  type="radio"
                  name="attack"
                  value={each.attack}
                  class="visually-hidden"
                  disabled={view.running.value}
                  checked={each.attack === attack}
                  onChange={() => (view.chosen.value = each)}
                />
                <span class="name">{text.names[each.attack]![0]}</span>
                <span class="note">{text.names[each.attack]![1]}</span>
              </label>
            ))}
          </div>
        </div>
        <div class="outcome">
          {gated ? (
            <WeightsGate key={weights} weights={weights} />
          ) : (
            <button type="button" class="primary" disabled={view.running.value} onClick={run}>
              {view.running.value ? text.running : text.run}
            </button>
          )}
          {view.fault.value ? <FaultView fault={view.fault.value} /> : null}
          <div aria-live="polite">
            {view.lines.value.map(line => (
              <Row key={`${attack} ${line.scheme}`} {...{ view, line, attack }} />
            ))}
          </div>
        </div>
      </div>
    </>
  )
}

function Row({ view, line, attack }: { readonly view: AttackState; readonly line: Line; readonly attack: string }) {
  const { scheme, outcome } = line
  const found = outcome.value
  if (!found) return null
  if ('fault' in found)
    return (
      <section class="row">
        <h2>{view.titleOf(scheme)}</h2>
        <FaultView fault={found.fault} />
      </section>
    )
  const { cipher, found: seen, likeness, notFor, queries, fault } = found.value
  const verdict = verdictOf(found.value, attack)
  return (
    <section class={`row ${verdict}`}>
      <h2>
        {view.titleOf(scheme)}
        <span class="verdict">{text.verdicts[verdict]}</span>
      </h2>
      <div class="three">
        <figure>
          <PictureView picture={view.plain.value!} label={text.yours} />
          <figcaption>{text.yours}</figcaption>
        </figure>
        <figure>
          <PictureView picture={cipher} label={text.sees(scheme)} />
          <figcaption>{strings.explore.figures.cipher}</figcaption>
        </figure>
        <figure>
          {seen ? <PictureView picture={seen} label={text.finds} /> : <div class="empty">{notFor ?? text.empty}</div>}
          <figcaption>
            {text.finds}
            <span class="note">
              {seen ? `${text.likeness(likeness)}, ${text.questions(queries)}` : ''}
              {fault ? fault.message : ''}
            </span>
          </figcaption>
        </figure>
      </div>
    </section>
  )
}
