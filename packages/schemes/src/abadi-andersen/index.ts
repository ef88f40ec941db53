import { modelFor } from '../models/index.ts'
import { correspondents, type OpenCorrespondents, openCorrespondents } from './cipher.ts'
import { abadiScheme } from './scheme.ts'

export { bitsOf, KEYS, numbersOf, type OpenCorrespondents } from './cipher.ts'
export { BITS } from './network.ts'
export { abadiScheme }

/** The networks that come with Latent, for those who study them. @throws E_WEIGHTS */
export const shippedCorrespondents = async (): Promise<OpenCorrespondents> =>
  openCorrespondents(correspondents(await modelFor(abadiScheme.weights!, undefined)))
