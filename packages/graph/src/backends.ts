import { argumentError } from '@latent/core'
import type { Backend } from './runtime.ts'

/** Backends as people call them. */
export type BackendName = 'cpu' | 'wasm' | 'webgpu'

/** The runtimes by the names that users give them. */
export const BACKENDS: Readonly<Record<BackendName, Backend>> = {
  cpu: 'ort-node',
  wasm: 'ort-wasm',
  webgpu: 'ort-webgpu',
}

/** Where compiled networks run unless their caller says otherwise; inherited by worker threads and processes. */
export const BACKEND_VARIABLE = 'LATENT_BACKEND'

/** What the environment asks for, if anything. @throws E_ARGUMENT for a name that is none */
export function backendOfEnvironment(): Backend | undefined {
  const name = globalThis.process?.env?.[BACKEND_VARIABLE]
  if (name === undefined || name === '') return undefined
  if (!Object.hasOwn(BACKENDS, name)) throw argumentError(BACKEND_VARIABLE, Object.keys(BACKENDS).join(', '), name)
  return BACKENDS[name as BackendName]
}
