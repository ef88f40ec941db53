import { strings } from '../strings.ts'
import { ownWeights, useOwnWeights } from './own-weights.ts'

const text = strings.lab.weights

/** Takes a file of weights for a scheme, or says which is in use. */
export function OwnWeightsField({ scheme }: { readonly scheme: string }) {
  const own = ownWeights.value.get(scheme)
  return (
    <p class="own-weights">
      {own ? <span class="note">{text.owned(own.name)}</span> : null}
      {own ? (
        <button type="button" class="quiet" onClick={() => useOwnWeights(scheme, undefined)}>
          {text.back}
        </button>
      ) : (
        <label class="button quiet">
          <input
            id="own-weights"
            type="file"
            accept=".safetensors"
            class="visually-hidden"
            onChange={({ currentTarget }) => {
              const [file] = currentTarget.files ?? []
              currentTarget.value = ''
              if (file)
                void file
                  .arrayBuffer()
                  .then(bytes => useOwnWeights(scheme, { name: file.name, bytes: new Uint8Array(bytes) }))
            }}
          />
          {text.own}
        </label>
      )}
    </p>
  )
}
