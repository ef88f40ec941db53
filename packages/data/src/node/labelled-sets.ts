import { LatentError } from '@latent/core'
import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { LABELLED_SETS, type LabelledSet, type LabelledSetName } from '../labelled.ts'
import { cifarLabels, parseIdxLabels } from '../raster-sets.ts'
import { dataRoot, openData, unpacked } from './sets.ts'

const CLASSES = 10
const CIFAR_TRAINING = 50_000

/**
 * Images of a split with their labels, in one array that threads can share.
 * @param limit the first so many
 * @throws E_ARGUMENT for an unknown set; E_DATA for one that is missing, mixed or without labels
 */
export async function readLabelledSet(
  name: string,
  split: 'train' | 'test',
  limit = Infinity,
  root: string = dataRoot(),
): Promise<LabelledSet> {
  const set = requireLabelledSet(name)
  const { pictures } = await openData(`${set}/${split}`, root)
  const home = join(root, set)
  const labels = (set === 'cifar10' ? await cifarLabelFile(home, split) : await idxLabelFile(home, split)).subarray(
    0,
    Math.min(limit, pictures.length),
  )
  const count = Math.min(pictures.length, limit)
  if (labels.length !== count)
    throw new LatentError('E_DATA', `${set}/${split} has ${pictures.length} images and ${labels.length} labels`, {
      hint: `latent data fetch ${set} brings a whole set`,
    })
  if (count === 0)
    throw new LatentError('E_DATA', `${set}/${split} holds no images`, {
      hint: `latent data fetch ${set} brings a whole set`,
    })
  const unknown = labels.findIndex(label => label >= CLASSES)
  if (unknown >= 0)
    throw new LatentError('E_DATA', `image ${unknown} of ${set}/${split} has the unknown label ${labels[unknown]}`)
  const { width, height, channels } = await pictures[0]!.load()
  const size = width * height * channels
  const samples = new Uint8Array(new SharedArrayBuffer(count * size))
  for (let i = 0; i < count; i++) {
    const picture = await pictures[i]!.load()
    if (picture.format !== 'u8' || picture.data.length !== size || picture.width !== width)
      throw new LatentError('E_DATA', `image ${i} of ${set}/${split} has another size than the first`)
    samples.set(picture.data, i * size)
  }
  const shared = new Uint8Array(new SharedArrayBuffer(count))
  shared.set(labels)
  return { width, height, channels, classes: CLASSES, samples, labels: shared }
}

/** @throws E_ARGUMENT */
export function requireLabelledSet(name: string): LabelledSetName {
  const set = LABELLED_SETS.find(known => known === name)
  if (!set)
    throw new LatentError('E_ARGUMENT', `there is no labelled set ${JSON.stringify(name)}`, {
      hint: `known sets: ${LABELLED_SETS.join(', ')}`,
    })
  return set
}

async function idxLabelFile(home: string, split: 'train' | 'test'): Promise<Uint8Array> {
  const file = join(home, `${split === 'test' ? 't10k' : 'train'}-labels-idx1-ubyte`)
  return parseIdxLabels(existsSync(file) ? await required(file) : unpacked(`${file}.gz`, await required(`${file}.gz`)))
}

/** Of the official batches, or of the sheets: one byte an image, training images first. */
async function cifarLabelFile(home: string, split: 'train' | 'test'): Promise<Uint8Array> {
  const batches = split === 'test' ? ['test_batch.bin'] : [1, 2, 3, 4, 5].map(i => `data_batch_${i}.bin`)
  if (existsSync(join(home, batches[0]!)))
    return Buffer.concat(await Promise.all(batches.map(async file => cifarLabels(await required(join(home, file))))))
  const labels = await required(join(home, 'labels.u8'))
  return split === 'train' ? labels.subarray(0, CIFAR_TRAINING) : labels.subarray(CIFAR_TRAINING)
}

async function required(path: string): Promise<Uint8Array> {
  try {
    return await readFile(path)
  } catch (cause) {
    throw new LatentError('E_DATA', `the labels are not there: cannot read ${path}`, {
      hint: 'latent data fetch brings whole sets, labels included',
      cause,
    })
  }
}
