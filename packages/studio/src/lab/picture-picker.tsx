import type { ProceduralKind } from '@latent/data'
import { strings } from '../strings.ts'
import { chosenPicture } from './picture-source.ts'

const text = strings.lab
const DRAWINGS = ['landscape', 'street', 'lettering', 'marble', 'dunes'] as const satisfies readonly ProceduralKind[]

/** Chooses the picture that is studied. */
export function PicturePicker() {
  const { value } = chosenPicture
  return (
    <div class="field">
      <label for="picture">{text.picture}</label>
      <div class="with-button">
        <select
          id="picture"
          value={typeof value === 'string' ? value : 'own'}
          onChange={({ currentTarget }) => {
            if (currentTarget.value !== 'own') chosenPicture.value = currentTarget.value as ProceduralKind
          }}
        >
          {DRAWINGS.map(kind => (
            <option key={kind} value={kind}>
              {text.drawings[kind]}
            </option>
          ))}
          {typeof value === 'string' ? null : <option value="own">{value.name}</option>}
        </select>
        <label class="button">
          <input
            id="own-picture"
            type="file"
            accept="image/*"
            class="visually-hidden"
            onChange={({ currentTarget }) => {
              const [file] = currentTarget.files ?? []
              if (file) chosenPicture.value = file
              currentTarget.value = ''
            }}
          />
          {text.own}
        </label>
      </div>
    </div>
  )
}
