import type * as Ort from 'onnxruntime-web'

/**
 * Where a graph runs. `ort-node`: ONNX Runtime's native CPU library (Node). `ort-wasm`: the same
 * compiled to WebAssembly (anywhere). `ort-webgpu`: its WebGPU kernels (browsers, and Node where
 * the native library finds an adapter).
 */
export type Backend = 'ort-node' | 'ort-wasm' | 'ort-webgpu'

/** ONNX Runtime's JavaScript interface, which its native and WASM packages share. */
export interface OrtBinding {
  readonly ort: Pick<typeof Ort, 'InferenceSession' | 'Tensor' | 'env'>
  readonly providers: readonly Ort.InferenceSession.ExecutionProviderConfig[]
  /** Free-form configuration entries for every session. */
  readonly entries?: Readonly<Record<string, unknown>>
}
