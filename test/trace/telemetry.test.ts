import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { strace, traced } from './trace.ts'

const at = (path: string) => JSON.stringify(new URL(`../../${path}`, import.meta.url).href)
const RUNTIME = at('packages/graph/src/runtime.ts')

/** A network that doubles, as small as they come, run on the first backend that can. */
const double = (backend?: string) => `
const { encodeModel } = await import(${at('packages/graph/src/onnx.ts')})
const { tensor } = await import(${at('packages/graph/src/tensor.ts')})
const { openSession } = await import(${RUNTIME})
const io = name => ({ name, dtype: 'f32', dims: [1] })
const nodes = [{ op: 'Add', inputs: ['x', 'x'], outputs: ['y'] }]
const model = encodeModel({ nodes, inputs: [io('x')], outputs: [io('y')], initializers: {} })
try {
  const session = await openSession(model, { threads: 1, ...${JSON.stringify({ backend })} })
  const { y } = await session.run({ x: tensor('f32', [1], Float32Array.of(21)) })
  console.log(session.backend, y.data[0])
  // The library reports at its leisure.
  await new Promise(done => setTimeout(done, 1500))
  await session.close()
} catch (error) {
  console.log(error.code, error.hint)
}
`
const inWorker = ({ options = '{}', backend }: { options?: string; backend?: string } = {}) => `
import { Worker } from 'node:worker_threads'
new Worker(${JSON.stringify(`(async () => { ${double(backend)} })()`)}, { eval: true, ...${options} })
`
const POOL = `
const { openExactFlowPool } = await import(${at('packages/schemes/src/exact-flow/pool-node.ts')})
const pool = await openExactFlowPool({ workers: 2 })
console.log(pool.backend, (await pool.encrypt(new Uint8Array(32), new Uint8Array(8), new Uint8Array(64))).length)
await new Promise(done => setTimeout(done, 1500))
await pool.close()
`

describe.skipIf(!strace)('the native library neither stores nor sends anything', () => {
  let folder: string
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'latent-telemetry-'))
  })
  afterAll(() => rmSync(folder, { recursive: true, force: true }))

  /** Runs a program of someone who uses the packages, with a home that is empty, and says what it printed. */
  async function run(name: string, program: string, env: Record<string, string> = {}): Promise<string> {
    const home = mkdtempSync(join(folder, 'home-'))
    const script = join(folder, `${name}.mjs`)
    writeFileSync(script, program)
    const { code, stdout, stderr, sockets, written } = await traced([script], {
      cwd: home,
      env: { HOME: home, XDG_CACHE_HOME: '', ...env },
    })
    expect({ code, stderr, sockets, written, home: readdirSync(home) }).toEqual({
      code: 0,
      stderr: '',
      sockets: [],
      written: [],
      home: [],
    })
    return stdout.trim()
  }

  test('in a program', async () => expect(await run('main', double())).toBe('ort-node 42'))
  test('where the environment asks for reports', async () =>
    expect(await run('asked', double(), { ORT_DISABLE_TELEMETRY: '0' })).toBe('ort-node 42'))
  test('in the threads of the cipher', async () => expect(await run('pool', POOL)).toBe('ort-node int8 64'))
  test('in a thread of a program that knows the engine', async () =>
    expect(await run('known', `import ${RUNTIME}\n${inWorker()}`)).toBe('ort-node 42'))
  test('in a thread of a program that knows nothing: it computes without the native library', async () =>
    expect(await run('unknown', inWorker())).toBe('ort-wasm 42'))
  test('in a thread whose environment is its own and says that all is quiet', async () =>
    expect(await run('own', inWorker({ options: `{ env: { ORT_DISABLE_TELEMETRY: '1' } }` }))).toBe('ort-wasm 42'))
  test('in a thread that shares the environment', async () =>
    expect(
      await run(
        'shared',
        `import { SHARE_ENV } from 'node:worker_threads'\n${inWorker({ options: '{ env: SHARE_ENV }' })}`,
      ),
    ).toBe('ort-node 42'))
  test('in a thread where the user has switched it off', async () =>
    expect(await run('user', inWorker(), { ORT_DISABLE_TELEMETRY: '1' })).toBe('ort-node 42'))
  test('in a thread that asks for nothing but the native library: it is refused', async () =>
    expect(await run('refused', inWorker({ backend: 'ort-node' }))).toMatch(
      /^E_BACKEND ort-node: .*ORT_DISABLE_TELEMETRY=1/,
    ))
  test('and the tracer sees what there is to see', async () => {
    const home = mkdtempSync(join(folder, 'home-'))
    const script = join(folder, 'guilty.mjs')
    writeFileSync(
      script,
      "import { connect } from 'node:net'\n" +
        "import { writeFileSync } from 'node:fs'\n" +
        "writeFileSync('identifier', 'x')\n" +
        "connect(9, '127.0.0.1').on('error', () => {})",
    )
    const { sockets, written } = await traced([script], { cwd: home, env: { HOME: home } })
    expect(sockets.join()).toMatch(/socket\(AF_INET.*connect\(/)
    expect(written).toEqual([join(home, 'identifier')])
  })
})
