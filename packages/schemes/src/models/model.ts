import { modelFile } from '#models'
import { LatentError, sha256Of, toHex } from '@latent/core'
import { decodeSafetensors, encodeSafetensors, leaves, mapTree } from '@latent/graph'
import type { MapTree, Parameter, Tensor, Tree } from '@latent/graph'
import type { ModelCard } from './card.ts'
import { type WantedFile, weightsFile } from './places.ts'
import { isPacked, unpackWeights } from './unpack.ts'

/** Weights of one scheme's networks, ready to be compiled in. */
export interface Model {
  /** The card's id, or `file` for weights that a user supplied. */
  readonly id: string
  readonly scheme: string
  readonly profile: string
  /** Of the file, in hexadecimal: what cipher images name their weights by. */
  readonly sha256: string
  /** By path, such as `encoder.first.weight`. */
  readonly tensors: Readonly<Record<string, Tensor<'f32'>>>
}

/** What a scheme asks of weights. */
export interface ModelWanted {
  readonly scheme: string
  readonly profile: string
  /** Of the weights that come with Latent, where their id is not the scheme's. */
  readonly id?: string
  /** Ids of other weights of these networks that come with Latent: what names them is opened with them. */
  readonly others?: readonly string[]
}

const MAX_BYTES = 2 ** 28

/**
 * Weights that come with Latent.
 * @param from where cards are read, and weights by their card
 * @throws E_WEIGHTS if the file is not what its card says, or the card is of other weights
 */
export async function loadModel(
  id: string,
  wanted: ModelWanted,
  from: (name: string, card?: WantedFile) => Promise<Uint8Array> = modelFile,
): Promise<Model> {
  const card = readCard(await from(`${id}.json`), id, wanted)
  return readModel(await checkedWeights(card, from), wanted, id)
}

/** The file of weights that a card is of. @throws E_WEIGHTS if it is not what the card says */
async function checkedWeights(
  card: ModelCard,
  from: (name: string, card?: WantedFile) => Promise<Uint8Array>,
): Promise<Uint8Array> {
  const bytes = await weightsOf(card, from)
  const sha256 = toHex(sha256Of(bytes))
  if (sha256 === card.sha256) return bytes
  throw new LatentError(
    'E_WEIGHTS',
    `the weights ${card.id} have the SHA-256 ${sha256.slice(0, 16)}..., and their card ` +
      `says ${card.sha256.slice(0, 16)}...`,
    { hint: 'the file was altered or damaged; install Latent again' },
  )
}

/** The file of weights that a card is of, unpacked; its hash is not yet compared. @throws E_WEIGHTS */
export const weightsOf = async (
  card: WantedFile,
  from: (name: string, card?: WantedFile) => Promise<Uint8Array> = modelFile,
): Promise<Uint8Array> => unpackWeights(await from(weightsFile(card), card), card)

/** Weights that a user gives, or those that come with Latent. @throws E_WEIGHTS, E_LIMIT */
export function modelFor(wanted: ModelWanted, given: Uint8Array | undefined): Promise<Model> {
  return given === undefined
    ? loadModel(wanted.id ?? wanted.scheme, wanted)
    : Promise.resolve(given).then(bytes => readModel(bytes, wanted))
}

/**
 * Of the other weights of a scheme's networks, the file of those that a cipher picture names: earlier releases may have
 * had them as the scheme's own.
 * @param named the first digits of their SHA-256, in hexadecimal
 * @returns undefined if none is named so
 * @throws E_WEIGHTS if they are not at hand, or not what their card says
 */
export async function otherWeights(
  { others = [], ...wanted }: ModelWanted,
  named: string,
  from: (name: string, card?: WantedFile) => Promise<Uint8Array> = modelFile,
): Promise<Uint8Array | undefined> {
  for (const id of others) {
    const card = readCard(await from(`${id}.json`), id, wanted)
    if (card.sha256.startsWith(named)) return checkedWeights(card, from)
  }
  return undefined
}

/** @throws E_WEIGHTS for a card that is malformed, of another name, or not of the weights that are wanted */
export function readCard(bytes: Uint8Array, id: string, wanted?: ModelWanted): ModelCard {
  let card: Partial<ModelCard> | null | undefined
  try {
    card = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes)) as typeof card
  } catch {
    // Reported below, with every other way of being no card.
  }
  const { sha256, scheme, profile, bytes: size } = card ?? {}
  const valid =
    typeof sha256 === 'string' &&
    /^[0-9a-f]{64}$/.test(sha256) &&
    typeof scheme === 'string' &&
    Number.isSafeInteger(size) &&
    size! > 0 &&
    size! <= MAX_BYTES
  if (valid && card?.id === id && (!wanted || (scheme === wanted.scheme && profile === wanted.profile)))
    return card as ModelCard
  throw new LatentError('E_WEIGHTS', `the card ${id}.json does not describe the weights ${id}`, {
    hint: 'the file was altered or damaged; install Latent again',
  })
}

/**
 * Weights from any source, such as a user's own training.
 * @throws E_WEIGHTS for a damaged file, and for weights of another scheme or profile
 */
export function readModel(bytes: Uint8Array, { scheme, profile }: ModelWanted, id = 'file'): Model {
  if (bytes.length > MAX_BYTES)
    throw new LatentError(
      'E_LIMIT',
      `this weight file has ${bytes.length} bytes, more than the limit of ${MAX_BYTES}`,
      { hint: 'it is no weight file of latent train' },
    )
  if (isPacked(bytes))
    throw new LatentError('E_WEIGHTS', 'these weights are packed by gzip', { hint: 'unpack the file: gunzip -k FILE' })
  const { tensors, metadata } = decodeSafetensors(bytes)
  const [of, as] = [metadata['scheme'], metadata['profile']]
  if (of === undefined || as === undefined)
    throw new LatentError('E_WEIGHTS', 'this file does not say which scheme its weights are of', {
      hint: 'latent model add turns a training run into weights that schemes read',
    })
  if (of !== scheme)
    throw new LatentError('E_WEIGHTS', `these weights are of ${of}, and ${scheme} was asked for`, {
      hint: `choose --scheme ${of}, or weights of ${scheme}`,
    })
  if (as !== profile)
    throw new LatentError('E_WEIGHTS', `these weights are of the profile ${as}, and ${profile} was asked for`, {
      hint: `choose weights of the profile ${profile}`,
    })
  for (const [path, { dtype, data }] of Object.entries(tensors)) {
    if (dtype !== 'f32')
      throw new LatentError('E_WEIGHTS', `expected floats for ${path}, received ${dtype}`, {
        hint: 'give weights that latent model add made',
      })
    if (!(data as Float32Array).every(Number.isFinite))
      throw new LatentError('E_WEIGHTS', `${path} holds values that are no numbers`, {
        hint: 'the training diverged; take an earlier checkpoint',
      })
  }
  return { id, scheme, profile, sha256: toHex(sha256Of(bytes)), tensors: tensors as Record<string, Tensor<'f32'>> }
}

/** The file that {@link readModel} reads. */
export function writeModel(
  { scheme, profile, tensors }: Pick<Model, 'scheme' | 'profile' | 'tensors'>,
  { half }: { half: boolean },
): Uint8Array {
  return encodeSafetensors({ tensors, metadata: { scheme, profile } }, { half })
}

/**
 * The weights of one network as its tree of parameters; `prefix` is the network's name in the file.
 * @throws E_WEIGHTS if one is missing or of another shape, or if there are more
 */
export function networkWeights<T>(model: Model, prefix: string, parameters: T): MapTree<T, Tensor<'f32'>> {
  const count = Object.keys(model.tensors).filter(path => path.startsWith(`${prefix}.`)).length
  const expected = leaves(parameters as Tree<Parameter>).length
  const tree = mapTree(parameters, (path, leaf) => {
    const { dims } = leaf as Parameter
    const value = model.tensors[`${prefix}.${path}`]
    if (value?.dims.join() === dims.join()) return value
    throw new LatentError(
      'E_WEIGHTS',
      `expected ${prefix}.${path} with dims [${dims.join(', ')}], ` +
        `received ${value ? `[${value.dims.join(', ')}]` : 'none'}`,
      { hint: 'these weights belong to another network' },
    )
  })
  if (count !== expected)
    throw new LatentError('E_WEIGHTS', `expected ${expected} arrays in ${prefix}, received ${count}`, {
      hint: 'these weights belong to another network',
    })
  return tree
}
