import { DECODER_BYTES } from '#host'
import { formatBytes } from '@latent/core'
import { download } from '../shell/save.ts'
import { strings } from '../strings.ts'
import { FaultView } from './fault-view.tsx'
import type { Entry, VaultSession } from './session.ts'

const text = strings.vault.row

interface Props {
  readonly session: VaultSession
  /** Results are kept here, to be downloaded. */
  readonly offered: boolean
}

/** Every file of the queue, with what happens to it. */
export function QueueList({ session, offered }: Props) {
  return (
    <ul class="queue">
      {session.entries.value.map(entry => (
        <Row key={entry.id} {...{ session, offered, entry }} />
      ))}
    </ul>
  )
}

function Row({ session, offered, entry }: Props & { readonly entry: Entry }) {
  const { stage, intent, size, passed, gathered } = entry
  const { value: now } = stage
  // What came out of a robust carrier has no name before it is opened.
  const path = gathered && now.is === 'done' ? now.result.path : entry.path
  const name = path.split('/').at(-1)!
  const folder = path.slice(0, path.length - name.length)
  return (
    <li class={now.is}>
      <div class="line">
        <span class="name">
          <bdi>
            {folder === '' ? null : <span class="folder">{folder}</span>}
            {name}
          </bdi>
        </span>
        <span class="size">{formatBytes(size)}</span>
        <span class="state" title={now.is === 'done' ? text.hash(now.result.sha256) : undefined}>
          {stateText(entry)}
        </span>
        <span class="actions">
          {now.is === 'waiting' ? (
            <button type="button" class="quiet" onClick={() => session.turn(entry)}>
              {intent.value === 'seal' ? text.openInstead : text.sealInstead}
            </button>
          ) : null}
          {now.is === 'failed' || now.is === 'stopped' ? (
            <button type="button" class="quiet" onClick={() => session.retry([entry])}>
              {text.retry}
            </button>
          ) : null}
          {now.is === 'done' && offered ? (
            <button
              type="button"
              class="quiet"
              onClick={() => download(now.result.output, now.result.path.split('/').at(-1)!)}
            >
              {text.download}
            </button>
          ) : null}
          <button
            type="button"
            class="quiet icon"
            aria-label={text.remove(name)}
            title={text.remove(name)}
            onClick={() => session.remove(entry)}
          >
            <svg viewBox="0 0 12 12" aria-hidden="true">
              <path d="m2 2 8 8m0-8-8 8" />
            </svg>
          </button>
        </span>
      </div>
      {now.is === 'working' ? <progress value={passed.value} max={Math.max(1, 2 * size)} aria-hidden="true" /> : null}
      {now.is === 'failed' ? <FaultView fault={now.fault} /> : null}
      {now.is === 'done' && entry.gathered?.remark !== undefined ? <p class="note">{entry.gathered.remark}</p> : null}
    </li>
  )
}

function stateText({ stage: { value: now }, intent, file, size, passed }: Entry): string {
  const sealing = intent.value === 'seal'
  const percent = (pass: 0 | 1) => Math.floor((100 * (passed.value - pass * size)) / Math.max(1, size))
  switch (now.is) {
    case 'looking':
      return text.looking(DECODER_BYTES[file.type] ?? 0)
    case 'waiting':
      return sealing ? text.toSeal : text.toOpen
    case 'working':
      if (passed.value >= size) return text.checking(percent(1))
      return sealing ? text.sealing(percent(0)) : text.opening(percent(0))
    case 'done':
      return now.result.wasThere ? text.wasThere : sealing ? text.sealed : text.opened
    case 'gathered':
      return text.gathered
    case 'failed':
      return text.failed
    default:
      return text.stopped
  }
}
