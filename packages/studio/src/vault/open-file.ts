import { LatentError, toHex } from '@latent/core'
import { openSealed, spelledName, windowsName } from '@latent/vault'
import { hashOf, partsOf, releaseWhole, telling } from './bytes.ts'
import { claim, type Finished, type Tools } from './seal-file.ts'

/**
 * Opens a sealed file; what was written is read again, and its hash compared with the one that was sealed.
 * @param path where it was found, with `/` between folders: the result goes beside it, under the name it carries
 * @throws what `openSealed` throws; E_IO. Nothing is left then
 */
export async function openFile(
  file: Blob,
  path: string,
  { flows, place, keyring, report, signal }: Tools,
): Promise<Finished> {
  const opened = await openSealed(partsOf(file, signal), keyring, flows)
  const { name, type, size, modified } = opened.metadata
  try {
    const folder = path.slice(0, path.lastIndexOf('/') + 1)
    const here = await claim({ place, path: folder + windowsName(spelledName(name)), type, modified }, async found =>
      found.size === size ? sameAsSealed(file, found, { keyring, flows }) : undefined,
    )
    if ('found' in here) {
      report(2 * size)
      return {
        intent: 'open',
        path: here.path,
        output: here.found.file,
        type,
        sha256: here.found.sha256,
        size,
        wasThere: true,
      }
    }
    const { draft } = here
    try {
      for await (const part of telling(opened.bytes, report)) {
        signal.throwIfAborted()
        await draft.write(part)
        releaseWhole(part)
      }
      const sha256 = toHex(await opened.sha256())
      if ((await hashOf(draft.readBack(signal), size, report)) !== sha256)
        throw new LatentError('E_HASH', 'the file that was written is not the one that was opened', {
          hint: 'the disk or the memory is faulty: open it again elsewhere',
        })
      const output = await draft.finish()
      return { intent: 'open', path: here.path, output, type, sha256, size, wasThere: false }
    } catch (error) {
      await draft.discard()
      throw error
    }
  } finally {
    await opened.close()
  }
}

async function sameAsSealed(
  sealed: Blob,
  found: Blob,
  { keyring, flows }: Pick<Tools, 'keyring' | 'flows'>,
): Promise<string | undefined> {
  const opened = await openSealed(partsOf(sealed), keyring, flows)
  const { size } = opened.metadata
  for await (const part of opened.bytes) releaseWhole(part)
  const inside = toHex(await opened.sha256())
  return inside === (await hashOf(partsOf(found), size)) ? inside : undefined
}
