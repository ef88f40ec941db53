import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { folder as built } from '@latent/studio'
import { request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, expect, test } from 'vitest'
import { serveStudio } from '../src/studio-server.ts'
import { latentHere } from './command.ts'

const folder = mkdtempSync(join(tmpdir(), 'latent-studio-server-'))
mkdirSync(join(folder, 'site/assets'), { recursive: true })
writeFileSync(join(folder, 'headers.json'), JSON.stringify({ 'Content-Security-Policy': "default-src 'none'" }))
writeFileSync(join(folder, 'site/index.html'), '<!doctype html>')
writeFileSync(join(folder, 'site/assets/a.wasm'), 'wasm')
writeFileSync(join(folder, 'secret.json'), 'secret')
const runtime = join(folder, 'elsewhere.wasm')
writeFileSync(runtime, 'runtime')
const sums = (hash: string) => writeFileSync(join(folder, 'SHA256SUMS'), `${hash}  site/assets/runtime-1a2b3c4d.wasm\n`)
sums(createHash('sha256').update('runtime').digest('hex'))
const installed = {
  folder: pathToFileURL(`${folder}/`),
  elsewhere: (path: string) => (path === 'assets/runtime-1a2b3c4d.wasm' ? pathToFileURL(runtime) : undefined),
}
const server = await serveStudio(installed, 0)
const { port } = new URL(server.address)
afterAll(async () => {
  await server.close()
  rmSync(folder, { recursive: true })
})

/** Paths go out as they are: `fetch` would tidy them up. */
const asked = (path: string, { host = `127.0.0.1:${port}`, method = 'GET' } = {}) =>
  new Promise<{ status: number; type: string; policy: string; body: string }>((resolve, reject) => {
    const sent = request({ host: '127.0.0.1', port, path, method, headers: { host } }, answer => {
      const parts: Buffer[] = []
      answer.on('data', (part: Buffer) => parts.push(part))
      answer.on('end', () =>
        resolve({
          status: answer.statusCode!,
          type: String(answer.headers['content-type']),
          policy: String(answer.headers['content-security-policy']),
          body: String(Buffer.concat(parts)),
        }),
      )
    })
    sent.on('error', reject)
    sent.end()
  })

test('files of the site come with their types and the policy', async () => {
  expect(await asked('/')).toMatchObject({ status: 200, type: 'text/html; charset=utf-8', body: '<!doctype html>' })
  expect(await asked('/assets/a.wasm?x')).toMatchObject({ status: 200, type: 'application/wasm', body: 'wasm' })
  expect(await asked('/', { method: 'HEAD' })).toMatchObject({ status: 200, body: '' })
  for (const path of ['/', '/nothing']) expect((await asked(path)).policy).toBe("default-src 'none'")
})

test('what another package has of the page is served from there, if it is the same', async () => {
  const answer = await asked('/assets/runtime-1a2b3c4d.wasm')
  expect(answer).toMatchObject({ status: 200, type: 'application/wasm', body: 'runtime' })
  expect((await asked('/elsewhere.wasm')).status).toBe(404)
  sums('0'.repeat(64))
  await expect(serveStudio(installed, 0)).rejects.toMatchObject({
    code: 'E_IO',
    message: expect.stringContaining('runtime-1a2b3c4d.wasm'),
  })
  const gone = { ...installed, elsewhere: () => pathToFileURL(join(folder, 'none.wasm')) }
  await expect(serveStudio(gone, 0)).rejects.toMatchObject({ code: 'E_IO', hint: 'install Latent again' })
})

test('weights are served from where they are installed', async () => {
  expect(JSON.parse((await asked('/models/exact-flow.json')).body)).toMatchObject({ id: 'exact-flow' })
})

test.each([
  '/../secret.json',
  '/%2e%2e/secret.json',
  '/..%2fsecret.json',
  '/models/../../secret.json',
  '/models//etc/passwd',
  '/.hidden',
  '/assets\\..\\..\\secret.json',
  '//evil.example/secret.json',
  '//',
  'http://[',
  '*',
])('%s leads nowhere', async path => {
  expect(await asked(path)).toMatchObject({ status: 404, body: '' })
})

test('other names than this machine and other methods than reading are refused', async () => {
  expect((await asked('/', { host: `evil.example:${port}` })).status).toBe(421)
  expect((await asked('/', { host: '127.0.0.1:1' })).status).toBe(421)
  expect((await asked('/', { host: `localhost:${port}` })).status).toBe(200)
  expect((await asked('/', { method: 'POST' })).status).toBe(405)
})

test('without a build, and on a port that is taken, it says what to do', async () => {
  sums('')
  await expect(serveStudio({ folder: pathToFileURL(`${folder}/none/`) }, 0)).rejects.toMatchObject({ code: 'E_IO' })
  await expect(serveStudio({ folder: installed.folder }, Number(port))).rejects.toThrow(
    `the port ${port} cannot be used`,
  )
})

test.skipIf(!existsSync(new URL('SHA256SUMS', built)))(
  'the built page is written whole, into a new folder alone',
  async () => {
    const out = join(folder, 'written')
    expect(await latentHere(['studio', '--site', out])).toMatchObject({ code: 0, err: '' })
    const lines = readFileSync(join(out, 'SHA256SUMS'), 'utf8').trimEnd().split('\n')
    expect(lines.length).toBeGreaterThan(50)
    for (const line of lines) {
      const [hash, path] = line.split('  ')
      expect([
        path,
        createHash('sha256')
          .update(readFileSync(join(out, path!)))
          .digest('hex'),
      ]).toEqual([path, hash])
    }
    expect(existsSync(join(out, 'site/models/exact-flow.weights'))).toBe(true)
    expect(await latentHere(['studio', '--site', out])).toMatchObject({ err: expect.stringContaining('[E_EXISTS]') })
  },
)
