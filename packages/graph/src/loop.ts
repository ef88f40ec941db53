import type * as Ort from 'onnxruntime-web'
import { encodeModel } from './onnx.ts'
import {
  type Backend,
  chainOf,
  load,
  type Loaded,
  onFirst,
  running,
  type SessionOptions,
  unwrap,
  wrap,
} from './runtime.ts'
import type { Tensor } from './tensor.ts'

/**
 * A graph whose outputs `next.NAME` are the inputs `NAME` of its next run: a training step. What it
 * carries stays where it is computed. On the processor two sets of arrays take turns as input and output, so
 * that a run allocates nothing; on a GPU they stay in its memory, and a run moves the batch in and the
 * other outputs out.
 */
export interface Loop {
  readonly backend: Backend
  readonly inputs: readonly string[]
  readonly outputs: readonly string[]
  /** @returns the outputs that are not carried, by name. @throws E_GRAPH if feeds do not fit the model */
  run(feeds: Readonly<Record<string, Tensor>>): Promise<Record<string, Tensor>>
  /** Copies of what is carried, or of a part of it, by name of the input. */
  read(which?: (name: string) => boolean): Promise<Record<string, Tensor>>
  /** Replaces what is carried: all of it. */
  write(values: Readonly<Record<string, Tensor>>): void
  close(): Promise<void>
}

const NEXT = 'next.'

/**
 * Loads a graph to be run again and again.
 * @param initial what the first run sees, by name of the input
 * @throws E_BACKEND if no backend of the chain loads it
 */
export function openLoop(
  model: Uint8Array,
  initial: Readonly<Record<string, Tensor>>,
  options: SessionOptions = {},
): Promise<Loop> {
  const carried = Object.keys(initial)
  return onFirst(chainOf(options.backend), async backend => {
    const loaded = await load(backend, model, options, backend === 'ort-webgpu' ? carried.map(name => NEXT + name) : [])
    return backend === 'ort-webgpu' ? deviceLoop(loaded, initial, options) : hostLoop(backend, loaded, initial)
  })
}

const copyOf = (value: Tensor): Tensor => ({ ...value, data: value.data.slice() })
const mapped = <A, B>(record: Readonly<Record<string, A>>, f: (value: A, name: string) => B): Record<string, B> =>
  Object.fromEntries(Object.entries(record).map(([name, value]) => [name, f(value, name)]))

function hostLoop(backend: Backend, { ort, session, close }: Loaded, initial: Readonly<Record<string, Tensor>>): Loop {
  const carried = Object.keys(initial)
  let current = mapped(initial, copyOf)
  let spare = current
  // The native library fills the tensors that it is given; which ones those are, the first run tells. The WASM build
  // makes its own.
  let others: Record<string, Tensor> | undefined
  return {
    backend,
    inputs: session.inputNames,
    outputs: session.outputNames,
    run: feeds =>
      running(backend, async () => {
        const inputs = wrap(pick(session.inputNames, { ...current, ...feeds }), ort)
        const into =
          backend === 'ort-node' &&
          others &&
          wrap({ ...Object.fromEntries(carried.map(name => [NEXT + name, spare[name]!])), ...others }, ort)
        const results = mapped(into ? await session.run(inputs, into) : await session.run(inputs), (value, name) =>
          unwrap(name, value),
        )
        spare = current
        current = Object.fromEntries(carried.map(name => [name, results[NEXT + name]!]))
        others = Object.fromEntries(Object.entries(results).filter(([name]) => !name.startsWith(NEXT)))
        return mapped(others, copyOf)
      }),
    read: async (which = everything) => mapped(pick(carried.filter(which), current), copyOf),
    write: values => void (current = mapped(pick(carried, values), copyOf)),
    close,
  }
}

/**
 * [Note: Reading from a GPU] Tensors of the native library cannot be downloaded by themselves, so a graph that does
 * nothing reads them.
 */
function deviceLoop(
  { ort, session, close }: Loaded,
  initial: Readonly<Record<string, Tensor>>,
  options: SessionOptions,
): Loop {
  const backend = 'ort-webgpu'
  const carried = Object.keys(initial)
  const shapes = mapped(initial, ({ dtype, dims }) => ({ dtype, dims }))
  // Copied: the caller may go on to write into what it gave.
  let current: Record<string, Ort.Tensor> = wrap(mapped(initial, copyOf), ort)
  const readers = new Map<string, Loaded>()
  const release = (tensors: Readonly<Record<string, Ort.Tensor>>) =>
    Object.values(tensors).forEach(value => value.location === 'gpu-buffer' && value.dispose())
  return {
    backend,
    inputs: session.inputNames,
    outputs: session.outputNames,
    run: feeds =>
      running(backend, async () => {
        const results = await session.run(pick(session.inputNames, { ...current, ...wrap(feeds, ort) }))
        const before = current
        current = Object.fromEntries(carried.map(name => [name, results[NEXT + name]!]))
        release(before)
        return Object.fromEntries(
          Object.entries(results).flatMap(([name, value]) =>
            name.startsWith(NEXT) ? [] : [[name, unwrap(name, value)]],
          ),
        )
      }),
    read: (which = everything) =>
      running(backend, async () => {
        const names = carried.filter(which)
        if (names.length === 0) return {}
        const key = names.join(' ')
        const reader =
          readers.get(key) ??
          (await load(backend, encodeModel(identity(pick(names, shapes))), { ...options, optimisation: 'none' }))
        readers.set(key, reader)
        const values = await reader.session.run(pick(names, current))
        return Object.fromEntries(names.map(name => [name, copyOf(unwrap(name, values[NEXT + name]!))]))
      }),
    write(values) {
      release(current)
      current = wrap(mapped(pick(carried, values), copyOf), ort)
    },
    async close() {
      release(current)
      for (const reader of readers.values()) await reader.close()
      await close()
    },
  }
}

const identity = (shapes: Readonly<Record<string, Pick<Tensor, 'dtype' | 'dims'>>>) => ({
  nodes: Object.keys(shapes).map(name => ({ op: 'Identity', inputs: [name], outputs: [NEXT + name], domain: '' })),
  inputs: Object.entries(shapes).map(([name, shape]) => ({ name, ...shape })),
  outputs: Object.entries(shapes).map(([name, shape]) => ({ name: NEXT + name, ...shape })),
  opsets: { '': 17 },
})

const everything = (): boolean => true

const pick = <T>(names: readonly string[], values: Readonly<Record<string, T>>): Record<string, T> =>
  Object.fromEntries(names.map(name => [name, values[name]!]))
