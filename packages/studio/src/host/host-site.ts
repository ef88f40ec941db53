/** The page is a site: a server, or the browser's cache of one, has its files. */
export const SINGLE_FILE = false

/** Starts the worker of the vault view. */
export const openVaultWorker = (): Worker =>
  new Worker(new URL('../vault/worker.ts', import.meta.url), { type: 'module' })

/** Workers of a site find the runtime themselves. */
export const wasmBinary = async (): Promise<Uint8Array | undefined> => undefined

/** Workers of a site load decoders themselves. */
export const decoderBinaries = async (): Promise<undefined> => undefined

/** Bytes of the decoder that is loaded for pictures of a type. */
export const DECODER_BYTES: Readonly<Record<string, number>> = DECODERS

/** Starts the worker of the other views. */
export const openLabWorker = (): Worker => new Worker(new URL('../lab/worker.ts', import.meta.url), { type: 'module' })

/** Starts the worker in which a training runs. */
export const openTrainWorker = (): Worker =>
  new Worker(new URL('../train/worker.ts', import.meta.url), { type: 'module' })

/** Bytes of the runtimes that are loaded when they are needed. */
export const RUNTIME_BYTES: RuntimeBytes = RUNTIMES
