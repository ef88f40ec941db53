/**
 * Ciphers that are measured in every run, and whose outcome is known. Negative ones have nothing to find, and pass
 * every test; positive ones have a known weakness, and each test says which of them it must find, and which it must
 * pass.
 */
export const CONTROLS = {
  'random-bytes': { role: 'negative' },
  'aes-256-ctr': { role: 'negative' },
  identity: { role: 'positive' },
  'fixed-permutation': { role: 'positive' },
  'xor-reused-mask': { role: 'positive' },
  'aes-256-ctr-fixed': { role: 'positive' },
  'aes-256-cbc': { role: 'positive' },
} as const satisfies Record<string, { readonly role: 'negative' | 'positive' }>

/** Scheme of the registry that is a control of every run. */
export type ControlId = keyof typeof CONTROLS
/** All controls, in the order in which pages show them. */
export const CONTROL_IDS = Object.keys(CONTROLS) as ControlId[]

/** What part a scheme has as a control of every run, if any. */
export const controlRole = (scheme: string): 'negative' | 'positive' | undefined =>
  Object.hasOwn(CONTROLS, scheme) ? CONTROLS[scheme as ControlId].role : undefined

/** Broken, but each of their ciphers alone looks like noise. */
export const NOISE_ALONE = ['xor-reused-mask', 'aes-256-ctr-fixed', 'aes-256-cbc'] as const
