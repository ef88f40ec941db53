import type { Entry } from './manifest.ts'

/** What both directions take. Callbacks are told as work proceeds, in no certain order. */
export interface ConvertOptions {
  /** 32 bytes, or the text of the scheme's own key file. */
  readonly key: Uint8Array
  /** Threads: as many as there are cores unless said otherwise, fewer where pictures are large. */
  readonly workers?: number
  /** When it aborts, pictures under way are finished and no others are begun. */
  readonly signal?: AbortSignal
  /** Once, before the first image: how many there are. */
  readonly onTotal?: (images: number) => void
  /** After every piece: how many more are done. */
  readonly onImages?: (images: number) => void
  readonly onFailure?: (failure: Failure) => void
  /** How the run ended, whether or not files failed. */
  readonly onEnd?: (result: ConvertedDataSet) => void
}

/** What encryption takes beside {@link ConvertOptions}. */
export interface EncryptOptions extends ConvertOptions {
  /** Id of a scheme of the registry. */
  readonly scheme: string
  /** Copies files that are no pictures as they are: readable for everyone. */
  readonly copyOthers?: boolean
}

/** What came of a run, in images and files. */
export interface ConvertedDataSet {
  readonly scheme: string
  readonly images: number
  /** Of those, made in this run. */
  readonly made: number
  /** Files that could not be converted. */
  readonly failed: number
  readonly files: number
  /** How the set lies on the disk: `folders`, `cifar` or `idx`. */
  readonly layout: string
  /** Of files that were neither converted nor copied. */
  readonly leftOut: readonly string[]
  /** Files and folders that no person put there, such as `.DS_Store`. */
  readonly leavings: readonly string[]
  /** Files that are no pictures and were copied as they are. */
  readonly copied: number
  /** Folders of classes in which no picture lies. */
  readonly emptyClasses: number
  /** The scheme is exact. */
  readonly exact: boolean
  /** Nothing decrypts what was made. */
  readonly oneWay: boolean
  /** When encrypting: share of the first image's samples that its cipher image has at the same place. */
  readonly unchanged?: number
  /** When decrypting: of how many images it is known whether they are exactly what was encrypted, and how many are. */
  readonly compared?: number
  readonly equal?: number
}

/** One file that could not be converted, and why. */
export interface Failure {
  /** From the working folder. */
  readonly file: string
  /** A code of `LatentError`. */
  readonly code: string
  readonly message: string
}

/** What a conversion has to do, in either direction: its options with what the source's manifest says. */
export interface Job extends ConvertOptions {
  readonly scheme: string
  readonly salt?: string
  readonly copyOthers?: boolean
  /** What source files must be, by name. */
  readonly listed: ReadonlyMap<string, Entry>
  /** Folders that the source may have lost on its way. */
  readonly emptyFolders: readonly string[]
  /** Files that are listed and not there: they fail, and the others are done. */
  readonly missing?: readonly string[]
}
