import { useSignal } from '@preact/signals'
import { strings } from '../strings.ts'
import { chosenFiles, droppedFiles, type Found } from './intake.ts'

const text = strings.vault

interface Props {
  readonly add: (found: readonly Found[]) => void
  /** There are files already: the zone becomes small. */
  readonly small: boolean
}

/** Where files are dropped or chosen. */
export function DropZone({ add, small }: Props) {
  const over = useSignal(false)
  return (
    <div
      class={`drop ${small ? 'small' : ''} ${over.value ? 'over' : ''}`}
      onDragOver={event => {
        event.preventDefault()
        over.value = true
      }}
      onDragLeave={() => (over.value = false)}
      onDrop={event => {
        event.preventDefault()
        over.value = false
        if (event.dataTransfer) void droppedFiles(event.dataTransfer).then(add)
      }}
    >
      {small ? null : <Frames />}
      <p>{small ? text.dropMore : text.drop}</p>
      <div class="buttons">
        <Chooser id="choose-files" label={text.chooseFiles} add={add} />
        <Chooser id="choose-folder" label={text.chooseFolder} add={add} folder />
      </div>
    </div>
  )
}

function Chooser({
  id,
  label,
  add,
  folder = false,
}: Pick<Props, 'add'> & { id: string; label: string; folder?: boolean }) {
  return (
    <label class="button">
      <input
        id={id}
        type="file"
        class="visually-hidden"
        multiple
        {...(folder ? { webkitdirectory: true } : {})}
        onChange={({ currentTarget }) => {
          add(chosenFiles(currentTarget.files ?? []))
          // The same files may be chosen again.
          currentTarget.value = ''
        }}
      />
      {label}
    </label>
  )
}

/** A photo that becomes noise. */
function Frames() {
  const noise = Array.from({ length: 64 }, (_, i) => Math.abs(Math.sin(i * i + 7 * i + 1) * 4e4) % 1)
  return (
    <svg class="frames" viewBox="0 0 132 48" aria-hidden="true">
      <rect x="1" y="1" width="46" height="46" rx="4" class="frame" />
      <circle cx="34" cy="14" r="5" class="sun" />
      <path d="M1 38 16 22 27 33 34 27 47 39V43a4 4 0 0 1-4 4H5a4 4 0 0 1-4-4Z" class="hill" />
      <path d="M58 24h14m-5-5 5 5-5 5" class="arrow" />
      {noise.map((value, i) => (
        <rect
          key={i}
          x={85 + 5.75 * (i % 8)}
          y={1 + 5.75 * Math.floor(i / 8)}
          width="5.75"
          height="5.75"
          class="grain"
          opacity={value.toFixed(2)}
        />
      ))}
      <rect x="85" y="1" width="46" height="46" rx="4" class="frame" />
    </svg>
  )
}
