import { parseJsonLines, type SampleFormat } from '@latent/core'
import type { EncodedEvidence } from '../evidence/index.ts'
import type { NullTest } from '../metrics/index.ts'
import type { KeySearch, TestId } from '../tests/index.ts'

/** What one scheme did with one image under one seed: the replicate of every statistic. No pixels, no keys. */
export interface ImageRow {
  readonly kind: 'image'
  readonly scheme: string
  readonly image: string
  readonly seed: number
  /** Such as `481x321x3 u8`. */
  readonly plain: string
  /** The shape of the picture, where only its middle was measured. */
  readonly middleOf?: string
  readonly cipher: string
  readonly wire: SampleFormat
  /** A test that does not apply (too small, constant plain, refused key) is absent. */
  readonly tests: Readonly<Record<TestId, NullTest>>
  /** What is added up over all images; a run keeps it in a file of its own, `evidence.jsonl`. */
  readonly evidence?: EncodedEvidence
  readonly quality: QualityRow
  /** Recovery of a float cipher after travelling through each integer format that the scheme allows. */
  readonly wires?: Partial<Record<SampleFormat, QualityRow>>
  /** What a key wrong in one bit led to: an error, the image itself, or an image this far from it. */
  readonly wrongKey: 'refused' | 'exact' | { readonly psnr: number }
  readonly observed: {
    readonly exact: boolean
    readonly lengthPreserving: boolean
    readonly randomised: boolean
    readonly argumentsUntouched: boolean
  }
  /** Bytes of cipher samples and annotations over bytes of plain samples. */
  readonly expansion: number
  readonly robustness?: readonly RobustnessRow[]
  /** Damage from one cipher sample in the middle: samples, share, span. */
  readonly trail?: { readonly damaged: number; readonly share: number; readonly span: number } | 'refused'
}

/** psnr is null where the restored image is exact: infinity has no place in JSON, nor in a table. */
export interface QualityRow {
  readonly exact: boolean
  readonly psnr: number | null
  readonly maxError: number
  readonly differing: number
  readonly ssim: number | null
  readonly msSsim: number | null
}

/** What decryption makes of a cipher image after one damage. */
export interface RobustnessRow {
  readonly kind: string
  readonly strength: number
  /** Absent where decryption refused. */
  readonly quality?: QualityRow
}

/** A failure to measure, kept beside the measurements. */
export interface FailureRow {
  readonly kind: 'failure'
  readonly scheme: string
  readonly image: string
  readonly seed: number
  readonly code: string
  readonly message: string
}

/** Medians over repeated runs on one image, one scheme at a time, nothing else running in the lab. */
export interface TimingRow {
  readonly kind: 'timing'
  readonly scheme: string
  readonly plain: string
  readonly runs: number
  readonly encryptMs: number
  readonly decryptMs: number
  /** Load average of the machine while it was measured: above its threads, others were busy too. */
  readonly load: number
  readonly parameters?: number
  readonly macs?: number
}

/** What one small picture under many keys showed of one scheme. */
export interface KeysRow {
  readonly kind: 'keys'
  readonly scheme: string
  /** Absent where the keys could not be told by the ciphers. */
  readonly search?: KeySearch
  /** Why not. */
  readonly reason?: string
}

/** A line of `rows.jsonl`. */
export type Row = ImageRow | FailureRow | TimingRow | KeysRow

/** What makes a row unique: a resumed run skips rows it has. */
export const rowName = (row: Pick<Row, 'kind' | 'scheme'> & { image?: string; seed?: number }): string =>
  row.kind === 'timing' || row.kind === 'keys'
    ? `${row.kind} ${row.scheme}`
    : `image ${row.scheme} ${row.seed} ${row.image}`

/**
 * Rows of a JSON-lines text. A last line without its newline, which a killed run leaves, is dropped.
 * @returns the rows, and the length of the text they take
 */
export function parseRows(text: string): { rows: Row[]; length: number } {
  const { values, length } = parseJsonLines(text)
  return { rows: values as Row[], length }
}
