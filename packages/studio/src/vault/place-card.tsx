import { strings } from '../strings.ts'
import type { PlaceState } from './place-state.ts'

const text = strings.vault.place

type Picker = (options: { id: string; mode: 'readwrite' }) => Promise<FileSystemDirectoryHandle>
const picker = (globalThis as { showDirectoryPicker?: Picker }).showDirectoryPicker?.bind(globalThis)

/** The card in which is said where results go. */
export function PlaceCard({ place }: { readonly place: PlaceState }) {
  const choose = async () => {
    try {
      place.choose(await picker!({ id: 'latent', mode: 'readwrite' }))
    } catch {
      // Whoever closes the dialogue has changed his mind.
    }
  }
  const into = place.intoFolder.value
  return (
    <section class="card" aria-labelledby="place-heading">
      <h2 id="place-heading">{text.heading}</h2>
      <label class="choice">
        <input type="radio" name="place" checked={!into} onChange={() => (place.intoFolder.value = false)} />
        <span>{text.here}</span>
      </label>
      <label class="choice">
        <input
          type="radio"
          name="place"
          checked={into}
          disabled={!picker}
          onChange={() => (place.folder.value ? (place.intoFolder.value = true) : void choose())}
        />
        <span>{into && place.folder.value ? text.chosen(place.folder.value.name) : text.folder}</span>
      </label>
      {into ? (
        <button type="button" class="quiet" onClick={() => void choose()}>
          {text.choose}
        </button>
      ) : (
        <p class="note">{picker ? text.hereNote : text.unsupported}</p>
      )}
    </section>
  )
}
