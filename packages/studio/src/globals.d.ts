declare module '*.css'
/** The version of the release, put in by the build. */
declare const VERSION: string
/** Bytes of each runtime; graphics cards have none where they cannot be used. */
interface RuntimeBytes {
  readonly wasm: number
  readonly webgpu?: number
}
/** Put in by the build. */
declare const RUNTIMES: RuntimeBytes
/** Bytes of the decoder of each media type, put in by the build. */
declare const DECODERS: Readonly<Record<string, number>>
