import { type ExactFlow, openExactFlow } from '@latent/schemes/exact-flow'
import { type Keys, streamOf } from '../../src/index.ts'
import { knownFlows, type Outcome, outcomeOf } from './outcome.ts'

// Runs in a browser, called by conformance.test.ts.

let opened: Promise<ExactFlow> | undefined
const flows = knownFlows(() => (opened ??= openExactFlow()))

export const attempt = (sealed: Uint8Array, keys: Keys): Promise<Outcome> => outcomeOf(streamOf(sealed, 997), keys, flows)
