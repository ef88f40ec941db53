import { type CipherOptions, type Image, type ImageCipher, KeyStream, LatentError, sha256Of, toHex } from '@latent/core'
import { type Description, openScheme, type OpenScheme, type Scheme } from '@latent/schemes'
import { loadModel, writeModel } from '@latent/schemes/models'
import { toWire } from '../metrics/samples.ts'
import type { TargetShape } from './chosen-plaintext.ts'
import type { Attack } from './contract.ts'
import { attackPictures, type Labelled } from './pictures.ts'

/** One key of one scheme, its pictures and what it makes of them: what oracles are cut from. */
export interface World {
  readonly scheme: Description
  /** Of the plain pictures. */
  readonly shape: TargetShape
  readonly targets: readonly { readonly plain: Image<'u8'>; readonly label: number; readonly cipher: Image }[]
  kin(count: number): Promise<Labelled[]>
  /** Pictures that are encrypted under the key of the targets; the n-th is always the same. */
  other(n: number): Promise<{ readonly plain: Image<'u8'>; readonly label: number; readonly cipher: Image }>
  encrypt(plain: Image): Promise<Image>
  decrypt(cipher: Image): Promise<Image>
  nearlyDecrypt(cipher: Image): Promise<Image>
  close(): Promise<void>
}

/** What a world is made of. */
export interface WorldOptions {
  /** Each number is another key. */
  readonly key: number
  /**
   * `reused`: one nonce for all pictures, of schemes that take one. `as meant`: drawn, or left away where it is
   * optional.
   */
  readonly nonces: 'as meant' | 'reused'
  readonly pictures: Attack['pictures']
  readonly targets: number
  /** `shuffled`: every answer is that for another picture, so that nothing can be learned from any. A control. */
  readonly answers?: 'true' | 'shuffled'
  /** Where the pictures come from, all of one shape; the lab's own where nothing is said. */
  readonly gallery?: typeof attackPictures
}

/** Part of its root mean square by which each weight of a layer is wrong. */
const WEIGHT_ERROR = 0.01
const WEIGHTS_ANNOTATION = 'latent:weights'

const textHash = (text: string): Uint8Array => sha256Of(new TextEncoder().encode(text))

/** @throws what the scheme throws, among it E_SCRIPT for a stranger's */
export async function openWorld(scheme: Scheme, options: WorldOptions): Promise<World> {
  const { key: number, nonces, pictures, answers = 'true', gallery = attackPictures } = options
  const opened = await openScheme(scheme)
  let near:
    Promise<{ readonly cipher: ImageCipher; readonly key: Uint8Array; readonly opened?: OpenScheme }> | undefined
  try {
    const key = textHash(`attacked key ${number}`)
    // Drawn nonces follow from the picture and how often it was encrypted, so that the order of attacks changes
    // nothing.
    const times = new Map<string, number>()
    const nonce = ({ data }: Image): Uint8Array | undefined => {
      if (scheme.nonce.use === 'none') return undefined
      if (nonces === 'reused') return textHash(`reused nonce ${number}`).subarray(0, 16)
      if (scheme.nonce.use === 'optional') return undefined
      const content = toHex(sha256Of(new Uint8Array(data.buffer, data.byteOffset, data.byteLength)))
      const time = times.get(content) ?? 0
      times.set(content, time + 1)
      return textHash(`nonce of ${content} for the time ${time} under key ${number}`).subarray(0, 16)
    }
    const encrypt = (plain: Image): Promise<Image> => {
      const given = nonce(plain)
      const call: CipherOptions = {
        ...(given && { nonce: given }),
        ...(scheme.wire !== 'as plain' && scheme.wire.includes('u8') && { wire: 'u8' }),
      }
      return opened.cipher.encrypt(plain, key, call)
    }
    let others: Labelled[] = []
    const encrypted = new Map<number, Promise<Image>>()
    const cipherOf = async (n: number): Promise<Image> => {
      if (n >= others.length) others = await gallery(pictures, 'others', Math.max(n + 1, 2 * others.length, 256))
      const made = encrypted.get(n) ?? encrypt(others[n]!.plain)
      encrypted.set(n, made)
      return made
    }
    /** The cipher image of a picture that has nothing to do with the one asked for. */
    let asked = 0
    const elsewhere = async (): Promise<Image> =>
      cipherOf(new DataView(textHash(`place ${asked++} under key ${number}`).buffer).getUint32(0) % 256)
    const other = async (n: number) => {
      const cipher = await cipherOf(n)
      return { ...others[n]!, cipher: answers === 'true' ? cipher : await elsewhere() }
    }
    const known = await gallery(pictures, 'targets', options.targets)
    const targets: { readonly plain: Image<'u8'>; readonly label: number; readonly cipher: Image }[] = []
    for (const target of known)
      targets.push({ ...target, cipher: answers === 'true' ? await encrypt(target.plain) : await elsewhere() })
    return {
      scheme,
      shape: shapeOf(known[0]!.plain),
      targets,
      kin: count => gallery(pictures, 'kin', count),
      other,
      encrypt: chosen => (answers === 'true' ? encrypt(chosen) : elsewhere()),
      decrypt: async cipher =>
        opened.cipher.decrypt(answers === 'true' ? cipher : await elsewhere(), key).then(toBytes),
      async nearlyDecrypt(cipher) {
        near ??= nearKey(scheme, opened, key)
        const { cipher: wrong, key: wrongKey, opened: other } = await near
        const given = answers === 'true' ? cipher : await elsewhere()
        const annotations = other?.weights
          ? { ...given.annotations, [WEIGHTS_ANNOTATION]: other.weights.slice(0, 16) }
          : given.annotations
        return toBytes(await wrong.decrypt({ ...given, ...(annotations && { annotations }) }, wrongKey))
      },
      async close() {
        await (await near?.catch(() => undefined))?.opened?.close()
        await opened.close()
      },
    }
  } catch (error) {
    await opened.close()
    throw error
  }
}

const shapeOf = ({ width, height, channels }: Image): TargetShape => ({ width, height, channels })

const toBytes = (picture: Image): Image => (picture.format === 'u8' ? picture : toWire(picture, 'u8'))

/**
 * One bit of the key is wrong, or, where the weights are the secret, each of them by a part in a hundred of their size.
 */
async function nearKey(
  scheme: Scheme,
  { cipher }: OpenScheme,
  key: Uint8Array,
): Promise<{ readonly cipher: ImageCipher; readonly key: Uint8Array; readonly opened?: OpenScheme }> {
  if (scheme.secret === 'none')
    throw new LatentError('E_UNSUPPORTED', `${scheme.id} has no secret that could be nearly right`, {
      hint: 'attack it with cipher images alone',
    })
  if (scheme.secret !== 'weights' || !scheme.weights) return { cipher, key: key.with(31, key[31]! ^ 1) }
  const model = await loadModel(scheme.weights.id ?? scheme.weights.scheme, scheme.weights)
  const stream = await KeyStream.create(textHash('weights nearly right'), 'latent/v1/lab/attack')
  const tensors: Record<string, (typeof model.tensors)[string]> = {}
  for (const [name, tensor] of Object.entries(model.tensors)) {
    const size = Math.sqrt(tensor.data.reduce((sum, value) => sum + value ** 2, 0) / tensor.data.length)
    const moves = await stream.uniforms(tensor.data.length)
    tensors[name] = {
      ...tensor,
      data: tensor.data.map((value, i) => value + WEIGHT_ERROR * size * Math.sqrt(12) * (moves[i]! - 0.5)),
    }
  }
  const opened = await openScheme(scheme, { weights: writeModel({ ...model, tensors }, { half: false }) })
  return { cipher: opened.cipher, key, opened }
}
