import { type Image, LatentError } from '@latent/core'
import { jpegRoundTrip } from '@latent/data/node'
import type { OpenScheme } from '@latent/schemes'
import { middle, shapeName } from '../metrics/index.ts'
import { measureImage } from '../run/measure.ts'
import type { FailureRow, ImageRow, KeysRow } from '../run/rows.ts'
import { type LabTest, TestFault } from '../tests/define.ts'
import { searchKeys } from '../tests/key-search.ts'
import type { SchemeName } from './own-scripts.ts'

/** One scheme and one image. */
export interface MeasureTask extends SchemeName {
  readonly data: string
  readonly root: string
  readonly image: string
  readonly seed: number
  readonly robustness: boolean
  /** Pixels of which no more than the middle so many are measured. */
  readonly largest: number
  /** Scripts with tests of one's own. */
  readonly tests?: readonly string[]
}

/** One scheme and many keys, on a picture in the shape of samples of this one. */
export interface KeysTask extends SchemeName {
  readonly data: string
  readonly root: string
  readonly image: string
  /** Keys among which equal ciphers are looked for. */
  readonly tried: number | undefined
}

/** A picture that is looked at before anything is measured. */
export type LookTask = Pick<MeasureTask, 'data' | 'root' | 'image'>

/** Why a picture cannot be read. */
export type Unreadable = Pick<FailureRow, 'code' | 'message'>

/** A test that gives no numbers ends a run. Errors lose their kind on the way from thread to thread. */
export interface Fault {
  readonly kind: 'fault'
  readonly message: string
  readonly hint: string | undefined
}

/** What {@link measureTask} is lent: each thread keeps its own. */
export interface Bench {
  load(task: LookTask): Promise<Image>
  open(): Promise<OpenScheme>
  tests(): Promise<readonly LabTest[]>
}

/** Measures one image under one key. */
export async function measureTask(task: MeasureTask, bench: Bench): Promise<ImageRow | FailureRow | Fault> {
  const { scheme, image, seed, robustness, largest } = task
  try {
    const whole = await bench.load(task)
    const plain = middle(whole, largest)
    const { cipher } = await bench.open()
    const row = await measureImage(cipher, plain, {
      imageId: image,
      seed,
      robustness,
      jpeg: jpegRoundTrip,
      tests: await bench.tests(),
    })
    return plain === whole ? row : { ...row, middleOf: shapeName(whole) }
  } catch (error) {
    if (error instanceof TestFault) return { kind: 'fault', message: error.message, hint: error.hint }
    return { kind: 'failure', scheme, image, seed, ...told(error) }
  }
}

/** Looks for what many keys show; a cipher that refuses is told and is no failure of a picture. */
export async function keysTask(task: KeysTask, { load, open }: Omit<Bench, 'tests'>): Promise<KeysRow> {
  const { scheme } = task
  try {
    const { cipher } = await open()
    const search = await searchKeys(cipher, await load(task), task.tried)
    return search
      ? { kind: 'keys', scheme, search }
      : { kind: 'keys', scheme, reason: 'its ciphers differ under one key and nonce, so that they tell no keys apart' }
  } catch (error) {
    return { kind: 'keys', scheme, reason: told(error).message }
  }
}

/** What an error says, where it cannot travel itself. */
export const told = (error: unknown): Unreadable =>
  error instanceof LatentError
    ? { code: error.code, message: error.message }
    : { code: 'E_INTERNAL', message: String(error instanceof Error ? error.message : error) }
