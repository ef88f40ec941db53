import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

// Servers on loopback that tests of stores start themselves.

/** Debian's rclone serves WebDAV. */
export const RCLONE = spawnSync('rclone', ['version']).status === 0

/** A port of loopback that nobody listens on. */
export async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as { port: number }
  await new Promise(resolve => server.close(resolve))
  return port
}

/** A server that runs, the folder that it serves, and an end to both. */
export interface Server {
  readonly port: number
  readonly folder: string
  stop(): Promise<void>
}

async function answering(url: string, child: ChildProcess): Promise<void> {
  for (let tries = 0; tries < 300; tries++) {
    if (child.exitCode !== null) throw new Error(`the server ended with ${child.exitCode}`)
    try {
      await (await fetch(url)).body?.cancel()
      return
    } catch {
      await new Promise(resolve => setTimeout(resolve, 50))
    }
  }
  throw new Error('the server does not answer')
}

/** WebDAV by rclone, for one user. */
export async function serveDav(username: string, password: string): Promise<Server> {
  const folder = mkdtempSync(join(tmpdir(), 'latent-dav-'))
  const port = await freePort()
  const child = spawn(
    'rclone',
    ['serve', 'webdav', folder, '--addr', `127.0.0.1:${port}`, '--config', '/dev/null', '--vfs-cache-mode', 'off'],
    { stdio: 'ignore', env: { ...process.env, RCLONE_USER: username, RCLONE_PASS: password } },
  )
  await answering(`http://127.0.0.1:${port}/`, child)
  return {
    port,
    folder,
    async stop() {
      child.kill()
      await new Promise(resolve => child.once('exit', resolve))
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

/** Marks in listings of s3rver are made with DES, which OpenSSL 3 lacks; what they are made with does not matter. */
function withoutDes(): void {
  const crypto = createRequire(import.meta.url)('node:crypto') as Record<
    'createCipheriv' | 'createDecipheriv',
    (name: string, key: Uint8Array, iv: Uint8Array) => unknown
  >
  for (const each of ['createCipheriv', 'createDecipheriv'] as const) {
    const real = crypto[each]
    crypto[each] = (name, key, iv) =>
      name === 'des' ? real('des-ede3-cbc', Buffer.concat([key, key, key]), iv) : real(name, key, iv)
  }
}

/** S3 by s3rver, which knows no conditions; the key and its secret are both `S3RVER`. */
export async function serveS3(bucket: string): Promise<Server> {
  const folder = mkdtempSync(join(tmpdir(), 'latent-s3-'))
  // The package has no types.
  // oxlint-disable-next-line typescript/no-unnecessary-type-assertion
  const { default: S3rver } = (await import('s3rver' as string)) as {
    default: new (options: object) => { run(): Promise<{ port: number }>; close(): Promise<void> }
  }
  withoutDes()
  const server = new S3rver({
    address: '127.0.0.1',
    port: 0,
    silent: true,
    directory: folder,
    configureBuckets: [{ name: bucket }],
  })
  const { port } = await server.run()
  return {
    port,
    folder,
    async stop() {
      await server.close()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}
