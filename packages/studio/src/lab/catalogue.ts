import { schemes } from '@latent/schemes'

/** A scheme of the registry, as the page lists it. */
export interface Listed {
  readonly id: string
  readonly title: string
  readonly role: string
  /** What is secret: the key, or the weights, or nothing. */
  readonly secret: string
  /** The name of the weights that it needs and that are not part of the page. */
  readonly weights?: string
}

/** Weights that are part of a module. */
const BUILT_IN = /^exact-flow/

/** Every scheme, the soundest first, as the registry has them. */
export const catalogue = (): Listed[] =>
  schemes.map(({ id, title, role, secret, weights }) => ({
    id,
    title,
    role,
    secret,
    ...(weights && !BUILT_IN.test(id) ? { weights: weights.id ?? weights.scheme } : {}),
  }))
