import { type Loop, type OnnxModel, type Tensor, tensor, tensorBytes } from '@latent/graph'
import { connect, type Socket } from 'node:net'

/**
 * A training step, as Latent writes it, run by `bench/peers/step_server.py`: PyTorch's kernels on the same
 * list of operators, so that backends are compared on one and the same step.
 */
export async function remoteLoop(
  path: string,
  model: OnnxModel,
  initial: Readonly<Record<string, Tensor>>,
): Promise<Loop> {
  const socket = connect(path)
  await new Promise<void>((resolve, reject) => {
    socket.once('connect', resolve)
    socket.once('error', reject)
  })
  const read = reader(socket)
  const write = (bytes: Uint8Array) =>
    new Promise<void>((resolve, reject) => socket.write(bytes, error => (error ? reject(error) : resolve())))
  const carried = Object.entries(initial)
  const feeds = model.inputs.filter(({ name }) => !(name in initial))
  const reports = model.outputs.flatMap(({ name }) => (name.startsWith('next.') ? [] : [name]))
  const constants = Object.entries(model.initializers ?? {})
  const describe = ([name, { dtype, dims }]: readonly [string, Tensor]) => ({ name, dtype, dims })
  const plain = (value: unknown): unknown =>
    typeof value === 'object' && value !== null && 'float' in value ? value.float : value
  const nodes = model.nodes.map(({ op, inputs, outputs, attributes = {} }) => ({
    op,
    inputs,
    outputs,
    attributes: Object.fromEntries(Object.entries(attributes).map(([name, value]) => [name, plain(value)])),
  }))
  const header = new TextEncoder().encode(
    JSON.stringify({ nodes, feeds, reports, constants: constants.map(describe), initial: carried.map(describe) }),
  )
  await write(new Uint8Array(Uint32Array.of(header.length).buffer))
  await write(header)
  for (const [, value] of [...constants, ...carried]) await write(tensorBytes(value))
  return {
    backend: 'remote',
    inputs: model.inputs.map(({ name }) => name),
    outputs: model.outputs.map(({ name }) => name),
    async run(values) {
      socket.cork()
      socket.write('R')
      for (const { name } of feeds) socket.write(tensorBytes(values[name]!))
      socket.uncork()
      const results = floats(await read(4 * reports.length))
      return Object.fromEntries(reports.map((name, i) => [name, tensor('f32', [], results.slice(i, i + 1))]))
    },
    async read(which = () => true) {
      await write(new TextEncoder().encode('G'))
      const found: [string, Tensor][] = []
      for (const [name, { dims, data }] of carried)
        found.push([name, tensor('f32', dims, floats(await read(4 * data.length)))])
      return Object.fromEntries(found.filter(([name]) => which(name)))
    },
    write(values) {
      socket.write('S')
      for (const [name] of carried) socket.write(tensorBytes(values[name]!))
    },
    close: async () => void socket.end(),
  }
}

/** Exactly so many bytes of a stream at a time. */
function reader(socket: Socket): (count: number) => Promise<Uint8Array> {
  let parts: Uint8Array[] = []
  let held = 0
  let wake: (() => void) | undefined
  let failed: Error | undefined
  socket.on('data', part => {
    parts.push(part)
    held += part.length
    wake?.()
  })
  socket.on('close', () => {
    failed ??= new Error('the server closed the connection')
    wake?.()
  })
  socket.on('error', error => (failed = error))
  const enough = async (count: number): Promise<void> => {
    if (held >= count) return
    if (failed) throw failed
    await new Promise<void>(resolve => (wake = resolve))
    return enough(count)
  }
  return async count => {
    await enough(count)
    const all = Buffer.concat(parts)
    parts = all.length > count ? [all.subarray(count)] : []
    held = all.length - count
    return all.subarray(0, count)
  }
}

/** A copy: what a socket gives lies anywhere in memory. */
const floats = (bytes: Uint8Array): Float32Array => new Float32Array(Uint8Array.from(bytes).buffer)
