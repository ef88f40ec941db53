import './shell.css'
import { RUNTIME_BYTES, SINGLE_FILE } from '#host'
import { type Signal, signal, useSignalEffect } from '@preact/signals'
import type { ComponentType } from 'preact'
import { offline } from '../offline/offline.ts'
import { strings } from '../strings.ts'
import { route, type View, VIEWS } from './route.ts'

const LOADERS: Record<View, () => Promise<{ default: ComponentType }>> = {
  vault: () => import('../vault/vault-view.tsx'),
  explore: () => import('../explore/explore-view.tsx'),
  attack: () => import('../attack/attack-view.tsx'),
  train: () => import('../train/train-view.tsx'),
}

type Loaded = ComponentType | 'failed' | undefined
const loaded = Object.fromEntries(VIEWS.map(view => [view, signal<Loaded>(undefined)])) as Record<View, Signal<Loaded>>

/** The frame of all views. */
export function Shell() {
  const view = route.value
  useSignalEffect(() => {
    const wanted = route.value
    const target = loaded[wanted]
    if (target.peek() !== undefined && target.peek() !== 'failed') return
    LOADERS[wanted]().then(
      ({ default: Component }) => (target.value = () => <Component />),
      () => (target.value = 'failed'),
    )
  })
  const Component = loaded[view].value
  return (
    <>
      <a class="skip" href="#main" onClick={skip}>
        {strings.skip}
      </a>
      <header>
        <a class="wordmark" href="#vault">
          Latent<span> Studio</span>
        </a>
        <nav aria-label={strings.views}>
          {VIEWS.map(each => (
            <a key={each} href={`#${each}`} aria-current={each === view ? 'page' : undefined}>
              {strings.view[each]}
            </a>
          ))}
        </nav>
      </header>
      <main id="main" tabIndex={-1}>
        {Component === undefined ? (
          <p class="note" role="status">
            {strings.loading}
          </p>
        ) : Component === 'failed' ? (
          <p role="alert">{strings.loadFailed}</p>
        ) : (
          <Component />
        )}
      </main>
      <footer>
        <p>{strings.footer.local}</p>
        <p>{conditions()}</p>
      </footer>
    </>
  )
}

/** The address names views, so that it cannot name the place to skip to. */
function skip(event: Event): void {
  event.preventDefault()
  document.getElementById('main')!.focus()
}

function conditions(): string {
  const { footer } = strings
  if (SINGLE_FILE) return [footer.single, footer.version(VERSION)].join(' · ')
  return [
    { no: '', coming: footer.notYetOffline(RUNTIME_BYTES.wasm), ready: footer.offline }[offline.value],
    footer.threads(navigator.hardwareConcurrency),
    crossOriginIsolated ? '' : footer.noThreads,
    footer.version(VERSION),
  ]
    .filter(part => part !== '')
    .join(' · ')
}
