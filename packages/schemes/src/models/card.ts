/** A set of pictures or of labels as a training read it. */
export interface DataRead {
  /** Such as `bsds500/train`: the name under which the recipe asks for it, whatever lies there. */
  readonly set: string
  readonly pictures?: number
  readonly labels?: number
  /** Of pictures: SHA-256 of the sorted SHA-256s of the files, one a line. */
  readonly sha256: string
  /** Whether the content is the one that its authors publish; unknown where none is known to us. */
  readonly published: boolean | 'unknown'
}

/** What one process trained. */
export interface TrainingSession {
  readonly fromStep: number
  readonly toStep: number
  readonly seconds: number
  readonly backend: string
  readonly threads: number
  readonly machine: { readonly cpu: string; readonly cores: number; readonly system: string }
  readonly software: { readonly latent: string; readonly node: string }
}

/** What nobody noted down, and nobody can find out any more. */
export type Unknown = 'unknown'

/**
 * What is known of a set of weights that this project ships: `models/ID.json`, beside
 * `models/ID.safetensors` and the training curve `models/ID.svg`. Written by `latent model add`;
 * `latent model freeze` writes that of the exact flow, whose weights are `models/ID.weights`.
 */
export interface ModelCard {
  /** Such as `flowcrypt-2025-paper`; the name of the files. */
  readonly id: string
  /** Registry id of the scheme whose networks these are. */
  readonly scheme: string
  /** Which of the scheme's networks: `paper`, `compact`, or a name that the scheme explains. */
  readonly profile: string
  /** Of the weights file, in hexadecimal. */
  readonly sha256: string
  readonly bytes: number
  readonly parameters: number
  /** How floats are stored; in memory they are float32. `i8`: they are integers, and stay so. */
  readonly storage: 'f16' | 'f32' | 'i8'
  /** What `latent train` was given. */
  readonly recipe: string
  /** Size of the network, or `unknown`. It says nothing of how long it was trained: see `published`. */
  readonly recipeProfile: string
  readonly seed: number
  readonly steps: number
  readonly batchSize: number | Unknown
  /** How long the publication trained, beside the steps above. */
  readonly published: string
  /** Data and the terms of its use, as the recipe states them; of other pictures, that they are others. */
  readonly data: string
  readonly dataRead: readonly DataRead[] | Unknown
  /** Of the weights that training started from, where they were given. */
  readonly startedFrom?: string
  /** Wall time of all sessions. */
  readonly seconds: number | Unknown
  /** Fewer than the steps where the record began later than the run. */
  readonly sessions: readonly TrainingSession[] | Unknown
  /** Means over the last log interval. */
  readonly losses: Readonly<Record<string, number>>
  /** The validation score of these weights, if the recipe has one, and what it is. */
  readonly score?: { readonly name: string; readonly value: number }
  /** Anything a reader of the card must know. */
  readonly remarks: readonly string[]
}
