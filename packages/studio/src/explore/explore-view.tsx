import './explore.css'
import { useSignalEffect } from '@preact/signals'
import type { Image } from '@latent/core'
import type { ComponentChildren } from 'preact'
import { openLab } from '../lab/lab.ts'
import { ownWeights } from '../lab/own-weights.ts'
import { OwnWeightsField } from '../lab/own-weights-field.tsx'
import { PicturePicker } from '../lab/picture-picker.tsx'
import { chosenPicture, squareOf } from '../lab/picture-source.ts'
import { PictureView } from '../lab/picture-view.tsx'
import { wanted, WeightsGate } from '../lab/weights-gate.tsx'
import { strings } from '../strings.ts'
import { FaultView } from '../vault/fault-view.tsx'
import { Histogram, Scatter } from './charts.tsx'
import { DamageCard } from './damage-card.tsx'
import { ExploreState, SIZES } from './explore-state.ts'
import type { Study } from './study.ts'

const text = strings.explore
let state: ExploreState | undefined

/** One picture through any scheme. */
export default function ExploreView() {
  const view = (state ??= new ExploreState(openLab()))
  const run = () => void view.run(shape => squareOf(chosenPicture.value, shape))
  const allowed = () => {
    const listed = view.listed.value
    if (listed === undefined) return false
    return listed.weights === undefined || wanted.value.has(listed.weights) || ownWeights.value.has(listed.id)
  }
  useSignalEffect(() => {
    // Whatever of these changes, the picture goes through again.
    void [view.side.value, chosenPicture.value, ownWeights.value]
    if (allowed()) run()
  })
  const study = allowed() ? view.study.value : undefined
  return (
    <>
      <div class="intro">
        <h1>{text.heading}</h1>
        <p>{text.lead}</p>
      </div>
      <div class="controls">
        <PicturePicker />
        <SchemeSelect view={view} />
        <div class="field">
          <span id="size-label">{text.size}</span>
          <div class="segments" role="radiogroup" aria-labelledby="size-label">
            {SIZES.map(side => (
              <label key={side}>
                <input
                  type="radio"
                  name="side"
                  checked={view.side.value === side}
                  onChange={() => (view.side.value = side)}
                />
                <span>{side}</span>
              </label>
            ))}
          </div>
        </div>
      </div>
      {view.listed.value?.weights !== undefined && !allowed() ? (
        <WeightsGate key={view.listed.value.weights} weights={view.listed.value.weights} />
      ) : null}
      {view.listed.value?.weights === undefined ? null : <OwnWeightsField scheme={view.listed.value.id} />}
      {view.fault.value && allowed() ? <FaultView fault={view.fault.value} /> : null}
      <p class="visually-hidden" aria-live="polite">
        {view.busy.value ? strings.lab.working : ''}
      </p>
      {study ? (
        <div class={view.busy.value ? 'study busy' : 'study'}>
          <Pictures view={view} study={study} />
          <p class="again">
            <span class="note">{text.took(study.milliseconds)}</span>
            <button type="button" class="quiet" onClick={run}>
              {text.again}
            </button>
          </p>
          <div class="cards">
            <Statistics study={study} />
            <PixelCard view={view} study={study} />
            <DamageCard view={view} study={study} />
          </div>
        </div>
      ) : null}
    </>
  )
}

interface Props {
  readonly view: ExploreState
  readonly study: Study
}

function SchemeSelect({ view }: Pick<Props, 'view'>) {
  const list = view.list.value
  const roles = [...new Set(list.map(({ role }) => role))]
  return (
    <div class="field">
      <label for="scheme">{text.scheme}</label>
      <select id="scheme" value={view.scheme.value} onChange={event => (view.scheme.value = event.currentTarget.value)}>
        {roles.map(role => (
          <optgroup key={role} label={strings.lab.roles[role] ?? role}>
            {list
              .filter(each => each.role === role)
              .map(({ id, title }) => (
                <option key={id} value={id}>
                  {title}
                </option>
              ))}
          </optgroup>
        ))}
      </select>
    </div>
  )
}

function Pictures({ view, study }: Props) {
  const { plain, cipher, decrypted, wrong, difference, largest, faults } = study
  return (
    <div class="pictures">
      <Figure title={text.figures.plain} picture={plain} onPixel={(x, y) => void view.touch(x, y)} />
      <Figure title={text.figures.cipher} picture={cipher} />
      <Figure title={text.figures.decrypted} picture={decrypted}>
        {faults.decrypted ? <FaultView fault={faults.decrypted} /> : null}
      </Figure>
      <Figure
        title={text.figures.wrong}
        picture={wrong}
        note={view.listed.value?.secret === 'weights' ? text.secretWeights : text.oneBit}
      >
        {faults.wrong ? <FaultView fault={faults.wrong} /> : null}
      </Figure>
      {difference ? (
        <Figure
          title={text.figures.difference}
          picture={difference}
          note={largest === 0 ? text.exact : text.loss(largest!)}
        />
      ) : null}
    </div>
  )
}

interface FigureProps {
  readonly title: string
  readonly picture: Image<'u8'> | undefined
  readonly note?: string
  readonly onPixel?: (x: number, y: number) => void
  readonly children?: ComponentChildren
}

function Figure({ title, picture, note, onPixel, children }: FigureProps) {
  return (
    <figure>
      {picture ? <PictureView picture={picture} label={title} {...(onPixel ? { onPixel } : {})} /> : children}
      <figcaption>
        {title}
        {note === undefined || !picture ? null : <span class="note">{note}</span>}
      </figcaption>
    </figure>
  )
}

function Statistics({ study: { figures } }: Pick<Props, 'study'>) {
  const both = [
    ['plain', figures.plain],
    ['cipher', figures.cipher],
  ] as const
  return (
    <section class="card statistics" aria-labelledby="statistics-heading">
      <h2 id="statistics-heading">{text.statistics}</h2>
      {both.map(([which, each]) => (
        <div key={which} class={which}>
          <h3>{text.figures[which]}</h3>
          <Histogram figures={each} label={text.chartOf(text.histogram, text.figures[which])} />
          <p class="note">{text.entropy(each.entropy)}</p>
          <Scatter figures={each} label={text.chartOf(text.neighbours, text.figures[which])} />
          <p class="note">{text.correlation(each.correlation)}</p>
        </div>
      ))}
    </section>
  )
}

const percent = (share: number): string => `${(100 * share).toFixed(2)} %`

function PixelCard({ view, study: { plain } }: Props) {
  const reaction = view.reaction.value
  return (
    <section class="card" aria-labelledby="pixel-heading">
      <h2 id="pixel-heading">{text.pixel.heading}</h2>
      <p class="note">{text.pixel.how}</p>
      <div class="buttons">
        <button type="button" onClick={() => void view.touch(plain.width >> 1, plain.height >> 1)}>
          {text.pixel.middle}
        </button>
      </div>
      <dl class="numbers" aria-live="polite">
        {reaction ? (
          <>
            <dt>{percent(reaction.npcr)}</dt>
            <dd>{text.pixel.npcr}</dd>
            <dt>{percent(reaction.uaci)}</dt>
            <dd>{text.pixel.uaci}</dd>
          </>
        ) : null}
      </dl>
    </section>
  )
}
