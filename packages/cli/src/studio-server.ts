import { LatentError } from '@latent/core'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { extname } from 'node:path'
import { type Installed, StudioPage } from './studio-page.ts'

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.json': 'application/json',
  '.webmanifest': 'application/manifest+json',
  '.wasm': 'application/wasm',
}
/** Letters, digits and a few marks, no dots in front: nothing that leads out of the folder. */
const PATH = /^\/(?:[\w-][\w.-]*\/)*(?:[\w-][\w.-]*)?$/

/** A server of the built page, on this machine alone. */
export interface StudioServer {
  readonly address: string
  close(): Promise<void>
}

/**
 * Serves the page, and the weights that are installed, on the loopback interface.
 * @param installed where the build lies
 * @param port 0 for any that is free
 * @throws E_IO where there is no build, parts of it are not what they should be, or the port is taken
 */
export async function serveStudio(installed: Installed, port: number): Promise<StudioServer> {
  const page = await StudioPage.open(installed)
  const server = createServer((request, response) => {
    const send = (status: number, body: Buffer | string = '', type = 'text/plain'): void =>
      void response.writeHead(status, { ...page.headers, 'Content-Type': type, 'Cache-Control': 'no-cache' }).end(body)
    // As it was sent: an address that cannot be parsed would end the server, and what PATH does not know is not found.
    const pathname = (request.url ?? '/').replace(/\?.*$/s, '')
    const bound = (server.address() as AddressInfo).port
    // A page of another name that leads here (DNS rebinding) is not answered.
    if (!HOSTS.some(host => request.headers.host === `${host}:${bound}`)) send(421)
    else if (request.method !== 'GET' && request.method !== 'HEAD') send(405)
    else if (!PATH.test(pathname)) send(404)
    else {
      const name = pathname.endsWith('/') ? `${pathname}index.html` : pathname
      page.read(name.slice(1)).then(
        body => send(200, request.method === 'HEAD' ? '' : body, TYPES[extname(name)] ?? 'application/octet-stream'),
        () => send(404),
      )
    }
  })
  await listening(server, port)
  const address = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
  return {
    address,
    close: () =>
      new Promise(resolve => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

const HOSTS = ['127.0.0.1', 'localhost']

async function listening(server: Server, port: number): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, '127.0.0.1', resolve)
  }).catch((cause: NodeJS.ErrnoException) => {
    throw new LatentError('E_IO', `the port ${port} cannot be used: ${cause.code}`, {
      hint: 'give another with --port, or leave it away for one that is free',
      cause,
    })
  })
}
