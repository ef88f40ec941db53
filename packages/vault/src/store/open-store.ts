import { LatentError } from '@latent/core'
import { resolve } from 'node:path'
import { DavStore } from './dav.ts'
import { FolderStore } from './folder.ts'
import { openS3 } from './s3.ts'
import type { Store } from './store.ts'

/** One kind of address: how it begins, and what opens it. A new kind of store is one line more. */
interface Kind {
  readonly begins: RegExp
  open(address: string): Store | Promise<Store>
}

const KINDS: readonly Kind[] = [
  { begins: /^s3:\/\//, open: address => openS3(bucketOf(address)) },
  { begins: /^davs?:\/\//, open: address => new DavStore(shareOf(address)) },
  { begins: /^folder:/, open: address => new FolderStore(folderOf(address)) },
]

/** Does it name a store, rather than a file or folder? */
export const isStoreAddress = (text: string): boolean => KINDS.some(({ begins }) => begins.test(text))

/**
 * Opens the store at an address: `s3://bucket/prefix`, `dav://host/path` (`davs:` for TLS), `folder:PATH`, or a path.
 * Credentials come from the environment: those of AWS and its shared profile; `LATENT_DAV_USERNAME` and
 * `LATENT_DAV_PASSWORD`.
 * @throws E_ARGUMENT for an address that is malformed, or holds credentials; E_STORE
 */
export async function openStore(address: string): Promise<Store> {
  const kind = KINDS.find(({ begins }) => begins.test(address))
  if (kind) return kind.open(address)
  if (/^[a-z][a-z0-9+.-]*:\/\//i.test(address))
    throw new LatentError(
      'E_ARGUMENT',
      `${JSON.stringify(address.split(':')[0])} is no kind of store that Latent knows`,
      { hint: 'give a folder, s3://bucket/prefix, dav://host/path or davs://host/path' },
    )
  return new FolderStore(address)
}

function parsed(address: string, kind: string): URL {
  try {
    const url = new URL(address)
    if (url.username !== '' || url.password !== '')
      throw new LatentError('E_ARGUMENT', 'an address must not hold credentials: others see what is typed', {
        hint: 'put them into the environment; docs/vault.md says which variables',
      })
    return url
  } catch (error) {
    if (error instanceof LatentError) throw error
    throw new LatentError('E_ARGUMENT', `this is no address of a ${kind}`, { hint: 'docs/vault.md shows some' })
  }
}

function bucketOf(address: string): { bucket: string; prefix: string } {
  const { hostname, pathname } = parsed(address, 'bucket')
  if (!/^[a-z0-9][a-z0-9.-]+$/.test(hostname))
    throw new LatentError('E_ARGUMENT', 'the address names no bucket', { hint: 's3://bucket/prefix' })
  return { bucket: hostname, prefix: decodeURIComponent(pathname).replaceAll(/^\/+|\/+$/g, '') }
}

function shareOf(address: string): { url: string; username?: string; password?: string } {
  const url = parsed(address, 'WebDAV share')
  const { LATENT_DAV_USERNAME: username, LATENT_DAV_PASSWORD: password } = process.env
  if (username !== undefined && url.protocol === 'dav:' && !/^(?:localhost|127\.|\[::1\])/.test(url.hostname))
    throw new LatentError('E_ARGUMENT', 'a password would travel to this server in the clear', {
      hint: 'use davs://, or take LATENT_DAV_USERNAME out of the environment',
    })
  return {
    url: address.replace(/^dav/, 'http'),
    ...(username === undefined ? {} : { username }),
    ...(password === undefined ? {} : { password }),
  }
}

function folderOf(address: string): string {
  const path = address.slice('folder:'.length)
  if (path === '') throw new LatentError('E_ARGUMENT', 'the address names no folder', { hint: 'folder:PATH' })
  return resolve(path.startsWith('//') ? path.slice(2) : path)
}
