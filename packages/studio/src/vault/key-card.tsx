import { useSignal, useSignalEffect } from '@preact/signals'
import type { Strength } from '@latent/vault'
import { strings } from '../strings.ts'
import { PasskeyFields } from './passkey-fields.tsx'
import type { Engine } from './engine.ts'
import { FaultView } from './fault-view.tsx'
import type { KeyState } from './key-state.ts'
import type { KeyChoice } from './keys.ts'

const text = strings.vault.key
const KINDS = ['passphrase', 'file', 'public'] as const satisfies readonly KeyChoice['kind'][]

interface Props {
  readonly keys: KeyState
  readonly engine: Engine
  readonly sealing: boolean
}

/** The card in which a key is given or made. */
export function KeyCard({ keys, engine, sealing }: Props) {
  return (
    <section class="card" aria-labelledby="key-heading">
      <h2 id="key-heading">{text.heading}</h2>
      <div class="segments" role="radiogroup" aria-labelledby="key-heading">
        {KINDS.map(kind => (
          <label key={kind}>
            <input
              type="radio"
              name="key-kind"
              value={kind}
              checked={keys.kind.value === kind}
              onChange={() => (keys.kind.value = kind)}
            />
            <span>{text.kinds[kind]}</span>
          </label>
        ))}
      </div>
      {keys.kind.value === 'passphrase' ? <Passphrase {...{ keys, engine, sealing }} /> : null}
      {keys.kind.value === 'file' ? <KeyFileFields keys={keys} sealing={sealing} /> : null}
      {keys.kind.value === 'public' ? (
        <>
          <PublicKeys keys={keys} />
          <p class="note">{text.publicOnly}</p>
        </>
      ) : null}
      {keys.fault.value ? <FaultView fault={keys.fault.value} /> : null}
      <p class="note">{text.never}</p>
    </section>
  )
}

/** How long typing has to pause before a passphrase is looked at. */
const PAUSE = 250

function Passphrase({ keys, engine, sealing }: Props) {
  const shown = useSignal(false)
  const strength = useSignal<Strength | undefined>(undefined)
  useSignalEffect(() => {
    const passphrase = keys.passphrase.value
    if (passphrase === '') {
      strength.value = undefined
      return undefined
    }
    let current = true
    const timer = setTimeout(() => {
      void engine.strengthOf(passphrase).then(found => {
        if (current) strength.value = found
      })
    }, PAUSE)
    return () => {
      current = false
      clearTimeout(timer)
    }
  })
  const visible = shown.value || keys.drawn.value
  return (
    <>
      <div class="field">
        <label for="passphrase">{text.passphrase}</label>
        <div class="with-button">
          <input
            id="passphrase"
            {...(visible ? { type: 'text' as const } : { type: 'password' as const })}
            autocomplete="off"
            spellcheck={false}
            value={keys.passphrase.value}
            onInput={({ currentTarget: { value } }) => {
              keys.passphrase.value = value
              if (value === '') keys.drawn.value = false
            }}
          />
          <button
            type="button"
            class="quiet"
            aria-pressed={visible}
            onClick={() => {
              shown.value = !visible
              keys.drawn.value = false
            }}
          >
            {visible ? text.hide : text.show}
          </button>
        </div>
      </div>
      {sealing ? (
        <>
          <p class={`strength ${strength.value?.verdict ?? ''}`} aria-live="polite">
            {keys.drawn.value
              ? text.drawn
              : strength.value
                ? text.strength[strength.value.verdict](strength.value.guesses)
                : ''}
          </p>
          <button type="button" onClick={() => void keys.draw()}>
            {text.draw}
          </button>
        </>
      ) : null}
    </>
  )
}

function KeyFileFields({ keys, sealing }: Pick<Props, 'keys' | 'sealing'>) {
  const passphrase = useSignal('')
  const file = keys.file.value
  return (
    <>
      {file?.recipients.length ? (
        <div class="called">
          <p class="note">{text.called}</p>
          {file.recipients.map(recipient => (
            <code key={recipient} title={recipient}>
              {shortened(recipient)}
            </code>
          ))}
        </div>
      ) : null}
      {file?.locked ? (
        <form
          class="field"
          onSubmit={event => {
            event.preventDefault()
            void keys.unlock(passphrase.value)
          }}
        >
          <label for="key-passphrase">{text.locked}</label>
          <div class="with-button">
            <input
              id="key-passphrase"
              type="password"
              autocomplete="off"
              value={passphrase.value}
              onInput={({ currentTarget: { value } }) => (passphrase.value = value)}
            />
            <button>{text.unlock}</button>
          </div>
        </form>
      ) : null}
      <div class="buttons">
        <label class="button">
          <input
            type="file"
            class="visually-hidden"
            id="key-file"
            onChange={({ currentTarget }) => {
              const [chosen] = currentTarget.files ?? []
              if (chosen) void chosen.arrayBuffer().then(bytes => keys.read(new Uint8Array(bytes)))
              currentTarget.value = ''
            }}
          />
          {file ? text.other : text.choose}
        </label>
        <button type="button" onClick={() => void keys.make()}>
          {text.make}
        </button>
      </div>
      <PasskeyFields keys={keys} sealing={sealing} />
      <details>
        <summary>{text.alsoFor}</summary>
        <PublicKeys keys={keys} />
      </details>
    </>
  )
}

function PublicKeys({ keys }: { readonly keys: KeyState }) {
  return (
    <div class="field">
      <label for="recipients">{text.publicKeys}</label>
      <textarea
        id="recipients"
        rows={3}
        spellcheck={false}
        aria-describedby="recipients-hint"
        value={keys.recipients.value}
        onInput={({ currentTarget: { value } }) => (keys.recipients.value = value)}
      />
      <p class="note" id="recipients-hint">
        {text.publicHint}
      </p>
    </div>
  )
}

const shortened = (recipient: string): string =>
  recipient.length > 40 ? `${recipient.slice(0, 22)} ... ${recipient.slice(-10)}` : recipient
