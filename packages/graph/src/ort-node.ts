import { forbidTelemetry } from '@latent/core/telemetry'
import { createRequire } from 'node:module'
import { availableParallelism, getPriority } from 'node:os'
import { pathToFileURL } from 'node:url'
import type { Backend, OrtBinding } from './ort.ts'

// On import, so that worker threads that a program starts later inherit it.
forbidTelemetry()

/** Cores that this process may use. */
export const hardwareThreads = (): number => availableParallelism()

/** What is tried in Node, in order: native, then WebAssembly. */
export const defaultChain: readonly Backend[] = ['ort-node', 'ort-wasm']

/**
 * Node: the native library where its package could be installed and can be kept from reporting, the WASM build
 * anywhere.
 */
export async function loadOrt(backend: Backend): Promise<OrtBinding> {
  if (backend === 'ort-wasm') {
    const ort = await import('onnxruntime-web')
    const resolve = createRequire(import.meta.url).resolve
    const locate = (file: string) => pathToFileURL(resolve(`onnxruntime-web/${file}`)).href
    ort.env.wasm.wasmPaths = { wasm: locate('ort-wasm-simd-threaded.wasm'), mjs: locate('ort-wasm-simd-threaded.mjs') }
    return { ort, providers: ['wasm'] }
  }
  if (!forbidTelemetry())
    throw new Error(
      'its telemetry cannot be switched off from a worker thread: set ORT_DISABLE_TELEMETRY=1, or import ' +
        '@latent/core/telemetry where the thread is started and call forbidTelemetry()',
    )
  const module = await import('onnxruntime-node')
  const ort = module.default ?? module
  // Networks here are written channels first; what is encoded comes from ONNX Runtime alone and need not be checked
  // again.
  if (backend === 'ort-webgpu')
    return { ort, providers: [{ name: 'webgpu', preferredLayout: 'NCHW', validationMode: 'disabled' }] }
  return {
    ort,
    providers: ['cpu'],
    ...(spins() ? {} : { entries: { session: { intra_op: { allow_spinning: '0' } } } }),
  }
}

/**
 * Whether threads of the native library that have nothing to do turn in a loop until there is something, as it does by
 * default: quickest where the processors are free, and taken from others where they are not. So not in a process that
 * was started with `nice`, nor under `LATENT_SPIN=0`.
 */
const spins = (): boolean => process.env['LATENT_SPIN'] !== '0' && getPriority() <= 0
