// See `sandbox.ts`.
import { serveBatches } from '@latent/vault/node'
import { sharedFlow } from '../../flows.ts'
import { openThumbnailer } from './thumbnailer.ts'

// There are several of them: none takes all cores for itself.
serveBatches({ flows: sharedFlow(1).flows, thumbnailer: openThumbnailer })
