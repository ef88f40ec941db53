/** A WebAssembly kernel and the memory that it works in. */
export interface Opened<Kernel, Name extends string> {
  readonly kernel: Kernel
  readonly buffer: ArrayBuffer
  /** Where each array begins. */
  readonly at: Readonly<Record<Name, number>>
}

const PAGE = 65536
/** Kernels keep data of their own below. */
const FIRST_ADDRESS = 1024
const ALIGNMENT = 64

const compiled = new Map<string, WebAssembly.Module>()

/**
 * Opens a kernel with memory for arrays of so many bytes. In one step: modules of few kilobytes may be compiled so
 * everywhere.
 * @param module in base64
 * @throws where WebAssembly or its SIMD is missing, or not allowed
 */
export function openKernel<Kernel, Name extends string>(
  module: string,
  sizes: Readonly<Record<Name, number>>,
): Opened<Kernel, Name> {
  const code = compiled.get(module) ?? new WebAssembly.Module(Uint8Array.from(atob(module), c => c.charCodeAt(0)))
  compiled.set(module, code)
  let end = FIRST_ADDRESS
  const at = {} as Record<Name, number>
  for (const name of Object.keys(sizes) as Name[]) {
    at[name] = end
    end = Math.ceil((end + sizes[name]) / ALIGNMENT) * ALIGNMENT
  }
  const memory = new WebAssembly.Memory({ initial: Math.ceil(end / PAGE) })
  const kernel = new WebAssembly.Instance(code, { env: { memory } }).exports as unknown as Kernel
  return { kernel, buffer: memory.buffer, at }
}
