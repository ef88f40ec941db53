import { type Command, Option } from 'commander'

/** Networks of a command run where the user says; the environment carries it to worker threads. */
export const withBackend = (command: Command): Command =>
  command
    .addOption(
      new Option('--backend <backend>', 'where networks run: the processor, WebAssembly or a graphics card').choices([
        'cpu',
        'wasm',
        'webgpu',
      ]),
    )
    .hook('preAction', () => {
      const { backend } = command.opts<{ backend?: string }>()
      if (backend !== undefined) process.env['LATENT_BACKEND'] = backend
    })
