import { SINGLE_FILE } from '#host'
import { type Signal, signal } from '@preact/signals-core'

/** Does the browser keep everything that sealing and opening need, or is it about to? */
export const offline: Signal<'no' | 'coming' | 'ready'> = signal('no')

/**
 * Lets the service worker keep the page, so that it works without a network from then on. A host that does not isolate
 * the page gets that from the service worker too, for which it is loaded once more.
 */
export async function goOffline(): Promise<void> {
  if (SINGLE_FILE || !('serviceWorker' in navigator)) return
  try {
    const hadController = navigator.serviceWorker.controller !== null
    offline.value = hadController ? 'ready' : 'coming'
    await navigator.serviceWorker.register('service-worker.js')
    await navigator.serviceWorker.ready
    offline.value = 'ready'
    if (!crossOriginIsolated && !hadController && isFresh()) location.reload()
  } catch {
    // Private windows refuse service workers: the page works with a network.
    offline.value = 'no'
  }
}

/** Has nobody done anything yet, and was the page not loaded again already? */
function isFresh(): boolean {
  const mark = 'latent isolated'
  if (sessionStorage.getItem(mark) !== null || document.querySelector('.queue')) return false
  sessionStorage.setItem(mark, '1')
  return true
}
