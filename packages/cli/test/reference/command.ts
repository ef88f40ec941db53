import { vi } from 'vitest'
import { runCommand } from '../../src/program.ts'

/** What a run of the command came to. */
export interface Ended {
  readonly code: number | null
  readonly out: string
  readonly err: string
}

let before: Promise<unknown> = Promise.resolve()

/**
 * The command in this process, with its own parsing, messages and exit codes: a new process takes half a second to
 * start, and there are hundreds to run. What depends on standard input, signals or the start itself needs a process.
 * @param folder where it runs
 */
export function latentHere(args: readonly string[], folder: string): Promise<Ended> {
  // One at a time: they share the working folder and the streams.
  const run = before.then(() => runHere(args, folder))
  before = run
  return run
}

async function runHere(args: readonly string[], folder: string): Promise<Ended> {
  const written = { out: '', err: '' }
  const [cwd, debug] = [process.cwd(), process.env['LATENT_DEBUG']]
  const capture = (stream: NodeJS.WriteStream, name: 'out' | 'err') =>
    vi.spyOn(stream, 'write').mockImplementation(text => {
      written[name] += typeof text === 'string' ? text : new TextDecoder().decode(text)
      return true
    })
  const spies = [capture(process.stdout, 'out'), capture(process.stderr, 'err')]
  process.chdir(folder)
  process.env['LATENT_DEBUG'] = '1'
  try {
    return { code: await runCommand(args), ...written }
  } finally {
    if (debug === undefined) delete process.env['LATENT_DEBUG']
    else process.env['LATENT_DEBUG'] = debug
    process.chdir(cwd)
    for (const spy of spies) spy.mockRestore()
  }
}
