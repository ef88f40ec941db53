import { LatentError } from '@latent/core'
import type { FlowProvider } from '../bodies/index.ts'
import { carrierSize } from '../carrier/index.ts'
import { readSealedNote } from '../sealed-note.ts'
import { type Opened, openSealed } from '../open.ts'
import { prepareSeal, type Sealing, type SealOptions } from '../seal.ts'
import { type ObjectBody, type ObjectInfo, StoreFault } from '../store/store.ts'
import type { KeyState } from './key-state.ts'
import { objectName } from './layout.ts'
import { decodeNote, encodeNote, type Photo, type PhotoNote } from './record.ts'
import { lost, type Vault } from './vault.ts'

/** A file that is about to be sealed into a vault. */
export interface Incoming {
  readonly note: PhotoNote
  readonly name: string
  readonly mode?: number
  /** Empty where the store refuses to replace an object; otherwise drawn once for whatever may be added twice. */
  readonly salt: string
  /** Objects that were removed and may be about to be deleted: never taken up again. */
  readonly avoid: ReadonlySet<string>
  /** Its bytes from the start, each time it is called: the very bytes that the note has the hash of. */
  parts(): AsyncIterable<Uint8Array>
}

const ATTEMPTS = 8

/**
 * Seals a file into an object. One that is there already is taken if its note says that it holds the same.
 * @returns what the index is to say, and whether the object was there
 * @throws E_STORE; E_CREDENTIALS; E_CHANGED
 */
export async function storeObject(
  vault: Vault,
  key: KeyState,
  incoming: Incoming,
  body: SealOptions['body'],
  flows: FlowProvider,
): Promise<{ photo: Photo; there: boolean }> {
  const { note, name, mode, salt, avoid } = incoming
  const { store } = vault
  const options: SealOptions = {
    album: { key: key.key, envelope: key.envelope },
    metadata: {
      name,
      type: note.type,
      size: note.size,
      modified: note.modified,
      ...(mode === undefined ? {} : { mode }),
    },
    note: encodeNote(note),
    flows,
    body,
  }
  let prepared: Sealing | undefined = await prepareSeal(options)
  const { size } = prepared
  const sealed: ObjectBody = {
    size,
    async *parts() {
      // A nonce of its own for each attempt: it must never seal two different things.
      const sealing = prepared ?? (await prepareSeal(options))
      prepared = undefined
      yield* sealing.png(incoming.parts())
    },
  }
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const object = await objectName(await key.nameKey(), note.path, note.sha256, attempt, salt)
    if (avoid.has(object)) continue
    const there = (await store.create(object, sealed)) === 'exists'
    const photo = { object, sealed: size, ...note }
    if (there) {
      const info = await store.stat(object)
      if (info && (await holds(vault, key, info, note))) return { photo: { ...photo, sealed: info.size }, there }
      continue
    }
    if (!vault.confirm || (await store.stat(object))?.size === size) return { photo, there }
  }
  throw lost(store)
}

/** Does an object hold this file? One that was copied in part does not, whatever its first bytes say. */
async function holds(vault: Vault, key: KeyState, object: ObjectInfo, { path, sha256 }: PhotoNote): Promise<boolean> {
  const keyring = { albumKey: async () => key.key }
  try {
    const { geometry, note } = await readFront(vault, object.name, parts => readSealedNote(parts, keyring))
    const found = decodeNote(note)
    return found.path === path && found.sha256 === sha256 && object.size === carrierSize(geometry)
  } catch (error) {
    if (error instanceof StoreFault && error.kind !== 'absent') throw error
    return false
  }
}

/** Header and note of most objects lie within these bytes. */
const FRONT_BYTES = 8192

/** Reads a sealed object's front, and more of it only where its header is long. */
export async function readFront<T>(
  vault: Vault,
  object: string,
  read: (parts: AsyncIterable<Uint8Array>) => Promise<T>,
): Promise<T> {
  return read(inSteps(vault, object))
}

async function* inSteps({ store }: Vault, object: string): AsyncGenerator<Uint8Array> {
  for (let from = 0, step = FRONT_BYTES; ; from += step, step *= 4) {
    let got = 0
    for await (const part of store.read(object, { from, to: from + step })) {
      got += part.length
      yield part
    }
    if (got < step) return
  }
}

/** Opens an object to give its file back. @throws as `openSealed`; E_STORE */
export async function openObject(vault: Vault, photo: Photo, key: KeyState, flows: FlowProvider): Promise<Opened> {
  try {
    return await openSealed(vault.store.read(photo.object), { albumKey: async () => key.key }, flows)
  } catch (error) {
    throw asMissing(error, photo)
  }
}

/** An object that is not there is the vault's loss. */
export function asMissing(error: unknown, { path }: Photo): unknown {
  if (!(error instanceof StoreFault) || error.kind !== 'absent') return error
  return new LatentError('E_VAULT', `the object that held ${path} is gone`, {
    hint: 'copy it from where else the vault is, or latent vault remove it, and add the photo again',
  })
}
