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
  readonly seed: number
  readonly steps: number
  readonly batchSize?: number
  /** Data and the terms of its use, as the recipe states them. */
  readonly data: string
  /** Means over the last log interval. */
  readonly losses: Readonly<Record<string, number>>
  /** The validation score of these weights, if the recipe has one, and what it is. */
  readonly score?: { readonly name: string; readonly value: number }
  /** Anything a reader of the card must know. */
  readonly remarks: readonly string[]
}
