import { LatentError } from '@latent/core'
import type { PixelDecoder } from '@latent/robust'
import { type ExactFlows, sealingWeights } from '@latent/schemes/exact-flow'
import { type Album, createAlbum, drawPassphrase, Keyring, strengthOf } from '@latent/vault'
import type { Engine, Job, Unlocked } from './engine.ts'
import { outcome, type Outcome } from './fault.ts'
import { gather, type Gathered, type Picture } from './gather.ts'
import { type KeyChoice, keysOf, lockOf, newKey, readKeyFile } from './keys.ts'
import { lookAt } from './intent.ts'
import { openFile } from './open-file.ts'
import type { Passkeys } from './passkey.ts'
import { openPlace, type Place, type PlaceChoice } from './place.ts'
import { type Finished, sealFile, type Tools } from './seal-file.ts'

/** Nobody is there to be asked. */
const NO_PASSKEYS: Passkeys = { wrap: async () => undefined, unwrap: async () => undefined }

/** The work itself, on this thread; `flows` may have threads of their own. */
export class LocalEngine implements Engine {
  readonly #flows: ExactFlows['flows']
  readonly #passkeys: Passkeys
  readonly #decode: PixelDecoder | undefined
  readonly #running = new Map<number, AbortController>()
  readonly #places = new Map<string, Place>()
  #album: Album | undefined
  #keyring = new Keyring()

  /** @param decode for robust carriers that came back as WebP or AVIF */
  constructor(flows: ExactFlows['flows'], passkeys: Passkeys = NO_PASSKEYS, decode?: PixelDecoder) {
    this.#flows = flows
    this.#passkeys = passkeys
    this.#decode = decode
  }

  lookAt = (file: File) => lookAt(file, this.#decode)
  newKey = newKey
  drawPassphrase = drawPassphrase
  strengthOf = strengthOf

  unlock(choice: KeyChoice, sealing: boolean, album?: Album): Promise<Outcome<Unlocked>> {
    return outcome(async () => {
      if (!sealing) {
        this.#keyring = new Keyring(keysOf(choice, this.#passkeys))
        return { warnings: [] }
      }
      const { lock, warnings } = await lockOf(choice, this.#passkeys)
      this.#keyring = new Keyring(choice.kind === 'public' ? {} : keysOf(choice, this.#passkeys))
      this.#album = album ?? (await createAlbum(lock))
      return { warnings, album: this.#album }
    })
  }

  run({ id, intent, file, path, place }: Job, report: (bytes: number) => void): Promise<Outcome<Finished>> {
    const stop = new AbortController()
    this.#running.set(id, stop)
    const { signal } = stop
    const tools: Tools = { flows: this.#flows, place: this.#place(place), keyring: this.#keyring, report, signal }
    return outcome(async () => {
      if (intent === 'open') return openFile(file, path, tools)
      const { id: weights } = await sealingWeights()
      return sealFile(file, path, { album: this.#album!, weights }, tools)
    }).finally(() => this.#running.delete(id))
  }

  gather(pictures: readonly Picture[], report: (id: number, bytes: number) => void): Promise<Outcome<Gathered>> {
    const stop = new AbortController()
    for (const { id } of pictures) this.#running.set(id, stop)
    return outcome(() => gather(pictures, { decode: this.#decode, signal: stop.signal, report })).finally(() => {
      for (const { id } of pictures) this.#running.delete(id)
    })
  }

  cancel(id: number): void {
    this.#running
      .get(id)
      ?.abort(new LatentError('E_INTERRUPTED', 'this was stopped', { hint: 'try again at any time' }))
  }

  readKeyFile(bytes: Uint8Array, passphrase?: string) {
    return outcome(() => readKeyFile(bytes, passphrase))
  }

  /** One for a folder, so that it knows what is being written there. */
  #place(choice: PlaceChoice): Place {
    if (choice.kind === 'memory') return openPlace(choice)
    const place = this.#places.get(choice.id) ?? openPlace(choice)
    this.#places.set(choice.id, place)
    return place
  }
}
