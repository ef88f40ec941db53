import { type Image, LatentError } from '@latent/core'
import { openScheme } from '@latent/schemes'
import { type DataSet, jpegRoundTrip, openData } from '@latent/data/node'
import { middle, shapeName } from '../metrics/index.ts'
import { measureImage } from '../run/measure.ts'
import type { FailureRow, ImageRow } from '../run/rows.ts'

/** One scheme and one image, measured on a thread of its own. */
export interface MeasureTask {
  readonly scheme: string
  readonly data: string
  readonly root: string
  readonly image: string
  readonly seed: number
  readonly robustness: boolean
  /** Pixels of which no more than the middle so many are measured. */
  readonly largest: number
}

/** A picture that is looked at before anything is measured. */
export type LookTask = Pick<MeasureTask, 'data' | 'root' | 'image'>

// A thread meets the same schemes, and mostly the same image, again and again.
const ciphers = new Map<string, ReturnType<typeof openScheme>>()
const sets = new Map<string, Promise<DataSet>>()
let last: { readonly id: string; readonly image: Promise<Image> } | undefined

function remembered<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  const known = map.get(key)
  if (known !== undefined) return known
  const made = make()
  map.set(key, made)
  return made
}

async function load({ data, root, image: id }: LookTask): Promise<Image> {
  if (last?.id === id) return last.image
  const { pictures } = await remembered(sets, data, () => openData(data, root))
  const picture = pictures.find(candidate => candidate.id === id)
  if (!picture) throw new LatentError('E_DATA', `the picture ${id} is gone`)
  last = { id, image: picture.load() }
  return last.image
}

/** Why a picture cannot be read. */
export type Unreadable = Pick<FailureRow, 'code' | 'message'>

async function look(task: LookTask): Promise<Unreadable | undefined> {
  try {
    await load(task)
    return undefined
  } catch (error) {
    return told(error)
  }
}

const told = (error: unknown): Unreadable =>
  error instanceof LatentError ? { code: error.code, message: error.message } : { code: 'E_INTERNAL', message: String(error instanceof Error ? error.message : error) }

async function measure(task: MeasureTask): Promise<ImageRow | FailureRow> {
  const { scheme, image, seed, robustness, largest } = task
  try {
    const whole = await load(task)
    const plain = middle(whole, largest)
    const { cipher } = await remembered(ciphers, scheme, () => openScheme(scheme))
    const row = await measureImage(cipher, plain, { imageId: image, seed, robustness, jpeg: jpegRoundTrip })
    return plain === whole ? row : { ...row, middleOf: shapeName(whole) }
  } catch (error) {
    return { kind: 'failure', scheme, image, seed, ...told(error) }
  }
}

export default (task: MeasureTask | LookTask): Promise<ImageRow | FailureRow | Unreadable | undefined> => ('scheme' in task ? measure(task) : look(task))
