import { defaultChain, hardwareThreads, loadOrt } from '#ort'
import { LatentError } from '@latent/core'
import type * as Ort from 'onnxruntime-web'
import type { Backend, OrtBinding } from './ort.ts'
import type { DType, Tensor } from './tensor.ts'

export type { Backend, OrtBinding } from './ort.ts'

/** Where and how a model runs. */
export interface SessionOptions {
  /** One backend, or several to try in order. Default: native then WASM in Node, WASM in a browser. */
  readonly backend?: Backend | readonly Backend[]
  /**
   * CPU threads. Default: every core in Node and in cross-origin isolated pages, else 1. The WASM
   * runtime starts its threads once a process: its first session decides.
   */
  readonly threads?: number
  /** ONNX Runtime's own graph rewriting. Default `all`. */
  readonly optimisation?: 'none' | 'basic' | 'extended' | 'all'
  /**
   * WebGPU only: refuse a model if any of its nodes would run on the processor, as ONNX Runtime
   * arranges in silence where it has no GPU kernel. Default false.
   */
  readonly gpuOnly?: boolean
  /** Native only: writes a profile (Chrome trace JSON) to a file with this prefix when the session closes. */
  readonly profile?: string
  /** Browser only: folder of ONNX Runtime's `.wasm` files, where a bundler has not placed them. */
  readonly wasmFolder?: string
  /** Further session options of ONNX Runtime, such as free-form `extra` configuration entries. */
  readonly extra?: Readonly<Record<string, unknown>>
}

/** A loaded model. Runs must not overlap on one session: await each. */
export interface Session {
  readonly backend: Backend
  readonly inputs: readonly string[]
  readonly outputs: readonly string[]
  /**
   * Computes all outputs. Input tensors are read, not kept. In Node the native library blocks the
   * calling thread meanwhile: long work belongs in a worker.
   * @param into tensors that receive outputs of the same shape, sparing an allocation (native only)
   * @throws E_GRAPH if names, types or shapes do not fit the model
   */
  run(feeds: Readonly<Record<string, Tensor>>, into?: Readonly<Record<string, Tensor>>): Promise<Record<string, Tensor>>
  close(): Promise<void>
}

const ORT_TYPE = { f32: 'float32', u8: 'uint8', i8: 'int8', i32: 'int32', i64: 'int64', bool: 'bool' } as const
const FROM_ORT_TYPE = Object.fromEntries(Object.entries(ORT_TYPE).map(([dtype, name]) => [name, dtype])) as Record<
  string,
  DType | undefined
>

/**
 * Loads an ONNX model on the first backend of the chain that starts and accepts it.
 * @param model the bytes of an `.onnx` file
 * @throws E_BACKEND if none does, with each one's reason in the hint
 */
export const openSession = (model: Uint8Array, options: SessionOptions = {}): Promise<Session> =>
  onFirst(chainOf(options.backend), async backend => {
    const { ort, session, close } = await load(backend, model, options)
    return {
      backend,
      inputs: session.inputNames,
      outputs: session.outputNames,
      run: (feeds, into) =>
        running(backend, async () => {
          const results =
            into === undefined
              ? await session.run(wrap(feeds, ort))
              : await session.run(wrap(feeds, ort), wrap(into, ort))
          return Object.fromEntries(Object.entries(results).map(([name, value]) => [name, unwrap(name, value)]))
        }),
      close,
    }
  })

/** Backends in the order in which they are tried: those asked for, or those of this platform. */
export const chainOf = (backend?: Backend | readonly Backend[]): readonly Backend[] =>
  backend === undefined ? defaultChain : [backend].flat()

/** What `open` gives on the first backend of a chain on which it does not throw. @throws E_BACKEND */
export async function onFirst<B extends string, T>(chain: readonly B[], open: (backend: B) => Promise<T>): Promise<T> {
  const failures: string[] = []
  for (const candidate of chain) {
    try {
      return await open(candidate)
    } catch (error) {
      // What tried a chain of its own has said why in its hint.
      const told = error instanceof LatentError && error.code === 'E_BACKEND' ? error.hint : undefined
      failures.push(told ?? `${candidate}: ${firstLine(error)}`)
    }
  }
  throw new LatentError('E_BACKEND', 'no compute backend could load the model', { hint: failures.join('; ') })
}

/** A model as ONNX Runtime holds it. */
export interface Loaded {
  readonly ort: OrtBinding['ort']
  readonly session: Ort.InferenceSession
  readonly close: () => Promise<void>
}

/** @param onDevice outputs that are not copied to the host (WebGPU) */
export async function load(
  backend: Backend,
  model: Uint8Array,
  options: SessionOptions,
  onDevice: readonly string[] = [],
): Promise<Loaded> {
  const { ort, providers, entries } = await loadOrt(backend)
  const threads = options.threads ?? hardwareThreads()
  if (backend !== 'ort-node') {
    ort.env.wasm.numThreads = threads
    if (options.wasmFolder !== undefined) ort.env.wasm.wasmPaths = options.wasmFolder
  }
  const session = await ort.InferenceSession.create(model, {
    executionProviders: [...providers],
    intraOpNumThreads: threads,
    interOpNumThreads: 1,
    executionMode: 'sequential',
    graphOptimizationLevel: options.optimisation === 'none' ? 'disabled' : (options.optimisation ?? 'all'),
    logSeverityLevel: 3,
    ...(options.profile === undefined ? {} : { enableProfiling: true, profileFilePrefix: options.profile }),
    ...(entries === undefined ? {} : { extra: entries }),
    ...(options.gpuOnly && backend === 'ort-webgpu' ? { extra: { session: { disable_cpu_ep_fallback: '1' } } } : {}),
    ...(onDevice.length === 0
      ? {}
      : { preferredOutputLocation: Object.fromEntries(onDevice.map(name => [name, 'gpu-buffer' as const])) }),
    ...options.extra,
  })
  const close = async () => {
    if (options.profile !== undefined) session.endProfiling()
    await session.release()
  }
  return { ort, session, close }
}

/** @throws E_GRAPH for what ONNX Runtime throws */
export async function running<T>(backend: Backend, run: () => Promise<T>): Promise<T> {
  try {
    return await run()
  } catch (error) {
    if (error instanceof LatentError) throw error
    throw new LatentError('E_GRAPH', `the model did not run on ${backend}: ${firstLine(error)}`, { cause: error })
  }
}

/** Tensors as ONNX Runtime takes them, over the same memory. */
export function wrap(values: Readonly<Record<string, Tensor>>, ort: OrtBinding['ort']): Record<string, Ort.Tensor> {
  return Object.fromEntries(
    Object.entries(values).map(([name, { dtype, data, dims }]) => [name, new ort.Tensor(ORT_TYPE[dtype], data, dims)]),
  )
}

/** A tensor of ONNX Runtime as ours, over the same memory. @throws E_UNSUPPORTED for another element type */
export function unwrap(name: string, value: Ort.Tensor): Tensor {
  const dtype = FROM_ORT_TYPE[value.type]
  if (dtype === undefined)
    throw new LatentError(
      'E_UNSUPPORTED',
      `output ${name} has element type ${value.type}, which has no place in a tensor here`,
      { hint: 'give the network outputs of float32, int32, int8 or uint8' },
    )
  return { dtype, dims: value.dims, data: value.data as Tensor['data'] }
}

const firstLine = (error: unknown): string =>
  (error instanceof Error ? error.message : String(error)).split('\n', 1)[0]!
