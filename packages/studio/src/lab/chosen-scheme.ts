import { type Signal, signal } from '@preact/signals-core'

/** The scheme that the explore view shows: other views send people there. */
export const schemeInExplore: Signal<string> = signal('exact-flow')
