import { LatentError } from '@latent/core'
import { ioError, systemCode } from '@latent/core/node'
import { Command, CommanderError } from 'commander'
import { checkPaths } from './local-paths.ts'
import { exitCodeFor, tidily } from './ending.ts'
import { clearProgress } from './progress.ts'
import { errorLines, visible, visibleLines } from './terminal.ts'
import { VERSION } from './version.ts'

/**
 * Exit codes: 0 everything asked for is done; 1 something failed, and it is named; 2 the request
 * itself cannot be carried out (arguments, keys); 3 a defect of Latent. Results go to standard
 * output, everything else to standard error.
 */
const EXIT: Partial<Record<string, number>> = { E_ARGUMENT: 2, E_KEY: 2, E_SCRIPT: 2, E_INTERNAL: 3 }

type Register = (program: Command) => void
const crypt = async (): Promise<Register> => (await import('./commands/crypt.ts')).cryptCommands

// Only the command that is asked for is loaded: sealing a photo must not wait for the training engine.
const COMMANDS: Readonly<Record<string, () => Promise<Register>>> = {
  keygen: async () => (await import('./commands/keygen.ts')).keygenCommand,
  seal: async () => (await import('./commands/seal.ts')).sealCommand,
  open: async () => (await import('./commands/open.ts')).openCommand,
  list: async () => (await import('./commands/list.ts')).listCommand,
  inspect: async () => (await import('./commands/inspect.ts')).inspectCommand,
  probe: async () => (await import('./commands/probe.ts')).probeCommand,
  verify: async () => (await import('./commands/open.ts')).verifyCommand,
  encrypt: crypt,
  decrypt: crypt,
  train: async () => (await import('./commands/train.ts')).trainCommand,
  model: async () => (await import('./commands/model.ts')).modelCommand,
  lab: async () => (await import('./commands/lab.ts')).labCommand,
  data: async () => (await import('./commands/data.ts')).dataCommand,
  dataset: async () => (await import('./commands/dataset.ts')).datasetCommand,
  vault: async () => (await import('./commands/vault/index.ts')).vaultCommands,
  worker: async () => (await import('./commands/worker.ts')).workerCommand,
  recipients: async () => (await import('./commands/recipients.ts')).recipientsCommand,
  recovery: async () => (await import('./commands/recovery.ts')).recoveryCommands,
  studio: async () => (await import('./commands/studio.ts')).studioCommand,
  doctor: async () => (await import('./commands/doctor.ts')).doctorCommand,
  demo: async () => (await import('./commands/demo.ts')).demoCommand,
}

async function openProgram(name: string | undefined): Promise<Command> {
  const program = new Command('latent')
    .description(
      'Learned image encryption, measured honestly. `latent seal` turns any file into a PNG of noise; `latent ' +
        'open` gives it back bit for bit.',
    )
    .version(VERSION)
    .showHelpAfterError('(latent --help lists the commands)')
    .exitOverride()
    .configureOutput({ outputError: (text, write) => write(`latent: ${visibleLines(text)}`) })
  const asked = COMMANDS[name ?? '']
  const loaded = asked ? [asked] : name === '--version' ? [] : new Set(Object.values(COMMANDS))
  for (const load of loaded) (await load())(program)
  program.hook('preAction', (_, command) => {
    requireFolder()
    checkPaths(command)
  })
  for (const command of program.commands)
    command.exitOverride().showHelpAfterError(`(latent ${command.name()} --help explains it)`)
  return program
}

/** Threads and relative paths need the folder that the command was started in. @throws E_IO if it is gone */
function requireFolder(): void {
  try {
    process.cwd()
  } catch (error) {
    throw new LatentError('E_IO', ioError(error, 'cannot use the folder that the command was started in').message, {
      hint: 'it was removed or made again: change to a folder that is there',
    })
  }
}

/**
 * One run of the command, from its arguments to its exit code; what it has to say is written to the standard streams.
 * It never throws, and leaves the process as it is.
 */
export async function runCommand(args: readonly string[]): Promise<number> {
  try {
    const program = await openProgram(args[0])
    const work = () => program.parseAsync(args, { from: 'user' })
    // The lab computes for minutes on end, and says itself where it listens to signals.
    await (args[0] === 'lab' ? work() : tidily(work))
    return 0
  } catch (error) {
    clearProgress()
    return exitCodeFor(error, report(error))
  }
}

/** Prints an error in the words of the command. @returns the exit code that belongs to it */
export function report(error: unknown): number {
  // Commander has printed its own message; help and version end with code 0.
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2
  if (error instanceof LatentError) {
    process.stderr.write(`latent: error: ${errorLines(error)}\n`)
    return EXIT[error.code] ?? 1
  }
  const { code, path } = error as NodeJS.ErrnoException
  // A file or folder that cannot be used is no defect of ours, wherever it was met.
  if (systemCode(error) !== undefined && path !== undefined) return report(ioError(error, `cannot use ${path}`))
  const what = code === undefined ? 'a defect of latent itself' : `the system reports ${code}`
  process.stderr.write(
    `latent: error: ${visible(`${what}: ${error instanceof Error ? error.message : String(error)}`)} [E_INTERNAL]\n`,
  )
  if (process.env['LATENT_DEBUG'] && error instanceof Error)
    process.stderr.write(`${visibleLines(error.stack ?? '')}\n`)
  else process.stderr.write('hint: run it again with LATENT_DEBUG=1 and report what it prints\n')
  return 3
}
