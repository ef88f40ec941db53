import { useSignal, useSignalEffect } from '@preact/signals'
import { signal } from '@preact/signals-core'
import { strings } from '../strings.ts'
import { weightsCard, type WeightsCard } from './lab.ts'

const text = strings.lab.weights

/** Weights that the user let the page load. */
export const wanted = signal<ReadonlySet<string>>(new Set())

/** Says how large weights are, and asks before they are loaded. */
export function WeightsGate({ weights }: { readonly weights: string }) {
  const card = useSignal<WeightsCard | 'missing' | undefined>(undefined)
  useSignalEffect(() => {
    void weightsCard(weights).then(found => (card.value = found ?? 'missing'))
  })
  if (card.value === undefined) return null
  if (card.value === 'missing') return <p class="note">{text.missing}</p>
  const { bytes } = card.value
  return (
    <div class="gate">
      <p class="note">{text.needed(bytes)}</p>
      <button type="button" onClick={() => (wanted.value = new Set([...wanted.value, weights]))}>
        {text.load(bytes)}
      </button>
    </div>
  )
}
