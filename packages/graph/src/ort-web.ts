import type { Backend, OrtBinding } from './ort.ts'

/** A page that is not cross-origin isolated has no shared memory, so no threads. */
export const hardwareThreads = (): number => (globalThis.crossOriginIsolated ? navigator.hardwareConcurrency : 1)

/** What is tried in a browser: WebAssembly; a graphics card is used when it is asked for. */
export const defaultChain: readonly Backend[] = ['ort-wasm']

/** Browser: the bundler finds each build's `.wasm` file through the `new URL(..., import.meta.url)` inside it. */
export async function loadOrt(backend: Backend): Promise<OrtBinding> {
  if (backend === 'ort-node') throw new Error('onnxruntime-node runs in Node alone')
  if (backend === 'ort-webgpu') {
    if (!('gpu' in navigator)) throw new Error('this browser offers no WebGPU')
    return { ort: await import('onnxruntime-web/webgpu'), providers: ['webgpu'] }
  }
  return { ort: await import('onnxruntime-web/wasm'), providers: ['wasm'] }
}
