import { type Image, LatentError } from '@latent/core'
import { findScheme } from '@latent/schemes'
import { measureImage } from '../run/measure.ts'
import type { FailureRow, ImageRow } from '../run/rows.ts'
import { type DataSet, openData } from './data-sets.ts'
import { jpegRoundTrip } from './decode.ts'

/** One scheme and one image, measured on a thread of its own. */
export interface MeasureTask {
  readonly scheme: string
  readonly data: string
  readonly root: string
  readonly image: string
  readonly seed: number
  readonly robustness: boolean
}

// A thread meets the same schemes, and mostly the same image, again and again.
const ciphers = new Map<string, ReturnType<ReturnType<typeof findScheme>['open']>>()
const sets = new Map<string, Promise<DataSet>>()
let last: { readonly id: string; readonly image: Promise<Image> } | undefined

function remembered<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  const known = map.get(key)
  if (known !== undefined) return known
  const made = make()
  map.set(key, made)
  return made
}

async function load({ data, root, image: id }: MeasureTask): Promise<Image> {
  if (last?.id === id) return last.image
  const { pictures } = await remembered(sets, data, () => openData(data, root))
  const picture = pictures.find(candidate => candidate.id === id)
  if (!picture) throw new LatentError('E_DATA', `the picture ${id} is gone`)
  last = { id, image: picture.load() }
  return last.image
}

export default async function measure(task: MeasureTask): Promise<ImageRow | FailureRow> {
  const { scheme, image, seed, robustness } = task
  try {
    const plain = await load(task)
    const { cipher } = await remembered(ciphers, scheme, () => findScheme(scheme).open())
    return await measureImage(cipher, plain, { imageId: image, seed, robustness, jpeg: jpegRoundTrip })
  } catch (error) {
    const { code, message } = error instanceof LatentError ? error : { code: 'E_INTERNAL', message: String(error instanceof Error ? error.message : error) }
    return { kind: 'failure', scheme, image, seed, code, message }
  }
}
