import { openExactFlow, openFlows } from '@latent/schemes/exact-flow'
import { type Keys, streamOf } from '../../src/index.ts'
import { type Outcome, outcomeOf } from './outcome.ts'

// Runs in a browser, called by conformance.test.ts.

const { flows } = openFlows(weights => openExactFlow({ weights }))

export const attempt = (sealed: Uint8Array, keys: Keys): Promise<Outcome> =>
  outcomeOf(streamOf(sealed, 997), keys, flows)
