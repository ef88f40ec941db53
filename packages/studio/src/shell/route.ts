import { signal } from '@preact/signals-core'

/** The views of the page. */
export const VIEWS = ['vault', 'explore', 'attack', 'train'] as const
/** A view by its name in the address. */
export type View = (typeof VIEWS)[number]

const viewOf = (hash: string): View => VIEWS.find(view => `#${view}` === hash) ?? 'vault'

/** The view that the address names. */
export const route = signal<View>(viewOf(location.hash))
addEventListener('hashchange', () => (route.value = viewOf(location.hash)))
