import type { Batch, BatchOutcome } from './batch.ts'

/** Whoever does batches: this process, its threads, or workers on other machines. */
export interface Crew {
  /** How many batches it wants to know of at once. */
  readonly ahead: number
  /** Begins, with the folder that batches are relative to. */
  begin?(source: string): Promise<void>
  /** @throws what no batch can be done without */
  work(batch: Batch): Promise<BatchOutcome>
  /** When everything is done. */
  end?(): Promise<void>
  /** Lets go of what it has, however the run ended. */
  close?(): Promise<void>
}
