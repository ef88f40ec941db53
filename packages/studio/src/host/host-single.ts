/** The page is one file that carries everything, and asks nobody for anything. */
export const SINGLE_FILE = true

const textOf = (id: string): string => document.getElementById(id)!.textContent

const workerOf = (id: string): Worker =>
  new Worker(URL.createObjectURL(new Blob([textOf(id)], { type: 'text/javascript' })))

/** Starts the worker of the vault view. */
export const openVaultWorker = (): Worker => workerOf('vault-worker')

/** Starts the worker of the other views. */
export const openLabWorker = (): Worker => workerOf('lab-worker')

/** Starts the worker in which a training runs. */
export const openTrainWorker = (): Worker => workerOf('train-worker')

/** Nothing is loaded, and there is no runtime for graphics cards. */
export const RUNTIME_BYTES: RuntimeBytes = { wasm: 0 }

/** Nothing is loaded. */
export const DECODER_BYTES: Readonly<Record<string, number>> = {}

/** The decoders, which the page carries packed. */
export const decoderBinaries = async (): Promise<Record<'WebP' | 'AVIF', Uint8Array>> => ({
  WebP: await unpack(textOf('decoder-WebP')),
  AVIF: await unpack(textOf('decoder-AVIF')),
})

let unpacked: Promise<Uint8Array> | undefined

/** ONNX Runtime's WebAssembly, which the page carries packed. */
export const wasmBinary = (): Promise<Uint8Array | undefined> => (unpacked ??= unpack(textOf('runtime')))

async function unpack(base64: string): Promise<Uint8Array> {
  const packed = Uint8Array.from(atob(base64.trim()), character => character.charCodeAt(0))
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream('gzip'))
  return new Uint8Array(await new Response(stream).arrayBuffer())
}
