import { LatentError, sha256Of, toHex } from '@latent/core'
import { ioError, makeOwnFolder, publish } from '@latent/core/node'
import { readdir, readFile, stat } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import type { ModelCard } from './card.ts'
import { cachedModel, modelCache, modelFile, packageFolder } from './file-node.ts'
import { readCard, weightsOf } from './model.ts'
import { MODELS_PACKAGE, weightsFile } from './places.ts'
import { packedLimit, unpackWeights } from './unpack.ts'

/** Every card that came with Latent, in the order of the alphabet. @throws E_WEIGHTS */
export async function modelCards(): Promise<ModelCard[]> {
  const folder = await packageFolder(MODELS_PACKAGE)
  const names = folder === undefined ? [] : await readdir(folder)
  const ids = names.flatMap(name =>
    name.endsWith('.json') && name !== 'package.json' ? [name.slice(0, -'.json'.length)] : [],
  )
  if (ids.length === 0)
    throw new LatentError('E_WEIGHTS', `${MODELS_PACKAGE} is not installed`, { hint: `npm install ${MODELS_PACKAGE}` })
  return Promise.all(ids.sort().map(async id => readCard(await modelFile(`${id}.json`), id)))
}

/** Whether weights are here and are what their card says. Those of the exact flow travel in its code. */
export async function isHere(card: ModelCard): Promise<boolean> {
  if (card.storage === 'i8') return true
  const bytes = await weightsOf(card).catch(() => undefined)
  return bytes !== undefined && toHex(sha256Of(bytes)) === card.sha256
}

/**
 * Brings weights into the cache, from a folder of the files of `models/` at an address.
 * @throws E_WEIGHTS for an unknown id; E_IO; E_HASH if what comes is not what the card says
 */
export async function fetchModel(id: string, from: URL): Promise<{ path: string; bytes: number } | 'present'> {
  const card = readCard(await modelFile(`${id}.json`), id)
  if (await isHere(card)) return 'present'
  const address = new URL(weightsFile(card), String(from).replace(/\/*$/, '/'))
  const file = address.protocol === 'file:' ? await fromDisk(address, card) : await fromNetwork(address, card)
  const bytes = await unpackWeights(file, card).catch((error: LatentError) => {
    throw notTheOnes(address, card, error.message)
  })
  const sha256 = toHex(sha256Of(bytes))
  if (sha256 !== card.sha256) throw notTheOnes(address, card, `what it holds has the SHA-256 ${sha256.slice(0, 16)}...`)
  const path = cachedModel(card.sha256)
  makeOwnFolder(modelCache())
  // Named by its hash: what lies there under this name is the same, or damaged.
  await publish(path, [bytes], { mode: 0o600, replace: () => true })
  return { path, bytes: bytes.length }
}

const notTheOnes = (address: URL, { id, sha256 }: ModelCard, why: string) =>
  new LatentError(
    'E_HASH',
    `${address.href} does not hold the weights ${id}: ${why}, and the card says ${sha256.slice(0, 16)}...`,
    { hint: 'take another address; nothing was kept' },
  )

async function fromDisk(address: URL, card: ModelCard): Promise<Uint8Array> {
  try {
    const path = fileURLToPath(address)
    const { size } = await stat(path)
    if (size > packedLimit(card.bytes))
      throw notTheOnes(address, card, `it has ${size} bytes, and they have ${card.bytes}`)
    return new Uint8Array(await readFile(path))
  } catch (error) {
    throw ioError(error, `cannot read ${address.href}`)
  }
}

async function fromNetwork(address: URL, card: ModelCard): Promise<Uint8Array> {
  const bytes = new Uint8Array(packedLimit(card.bytes))
  let received = 0
  try {
    const response = await fetch(address)
    if (!response.ok || !response.body)
      throw new LatentError('E_IO', `${address.href} answered ${response.status}`, { hint: 'check the address' })
    for await (const part of response.body as unknown as AsyncIterable<Uint8Array>) {
      // Leaving the loop ends the download: nothing longer is ever held.
      if (received + part.length > bytes.length)
        throw notTheOnes(address, card, `it is longer than their ${card.bytes} bytes`)
      bytes.set(part, received)
      received += part.length
    }
  } catch (error) {
    if (error instanceof LatentError) throw error
    throw new LatentError('E_IO', `the download of ${address.href} was cut off after ${received} bytes`, {
      hint: 'check the connection, and start it again',
      cause: error,
    })
  }
  return bytes.subarray(0, received)
}
