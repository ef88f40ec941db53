import { LatentError } from '@latent/core'
import type { RunRecipeOptions } from '@latent/training'
import { type Command, InvalidArgumentError, Option } from 'commander'

interface QueueFlags {
  readonly dryRun?: boolean
  readonly queue?: string
  readonly until?: string
  readonly for?: string
}

/** Adds `latent train` to the program. Whatever an action needs is loaded when it runs. */
export function trainCommand(program: Command): void {
  program
    .command('train')
    .description('train a network by one of the recipes; without a recipe, list them')
    .argument('[recipe]', 'name of a recipe')
    .addOption(
      new Option('--profile <profile>', 'size of the network').choices(['compact', 'paper']).default('compact'),
    )
    .option('--steps <n>', "length of the run; the recipe's own by default", integer)
    .option('--seed <n>', 'of initial weights and data order', integer, 1)
    .addOption(
      new Option(
        '--backend <backend>',
        'where the steps are computed: the processor, WebAssembly, or a graphics card',
      ).choices(['cpu', 'wasm', 'webgpu']),
    )
    .option('--dry-run', 'with --backend webgpu: take one step and name the operators that have no kernel there')
    .option('--threads <n>', 'CPU threads; every core by default', integer)
    .option('--out <folder>', 'checkpoint, log, weights and curve; runs/RECIPE-PROFILE by default')
    .option('--from <weights>', 'start from the weights of another run (fine-tuning)')
    .option('--resume', 'continue from the checkpoint in the folder')
    .option(
      '--queue <file>',
      'train the runs of a file one after the other: a JSON object a line with recipe, profile, steps, seed, out',
    )
    .option('--until <time>', 'with --queue: stop before a time of day (06:30) with a checkpoint')
    .option('--for <duration>', 'with --queue: stop after 90s, 30m, 2h, with a checkpoint')
    .option('--data <folder>', 'where the data sets lie (default: LATENT_DATA, or where latent data fetch puts them)')
    .action(async (name: string | undefined, options: RunRecipeOptions & QueueFlags) => {
      const { queue, until = options.for, data, threads } = options
      if (
        (queue === undefined && until !== undefined) ||
        (queue !== undefined && name !== undefined) ||
        (options.until !== undefined && options.for !== undefined)
      ) {
        throw new LatentError(
          'E_ARGUMENT',
          'a queue is trained by --queue FILE alone, with --until or --for if it must stop',
          { hint: 'latent train --queue FILE --until 06:30' },
        )
      }
      if (options.dryRun) {
        if (name === undefined)
          throw new LatentError('E_ARGUMENT', '--dry-run is of one recipe', {
            hint: 'latent train denoiser --backend webgpu --dry-run',
          })
        return (await import('../training.ts')).showPlacement(name, options)
      }
      if (queue !== undefined) {
        const { deadline } = await import('@latent/training')
        const { trainQueue } = await import('../training.ts')
        return trainQueue(queue, {
          ...(data === undefined ? {} : { data }),
          ...(threads === undefined ? {} : { threads }),
          ...(until === undefined ? {} : { until: deadline(until) }),
        })
      }
      // Tracing and decoding are loaded for this command alone: the others start without them.
      const { listRecipes, runRecipe } = await import('../training.ts')
      if (name === undefined) listRecipes()
      else await runRecipe(name, options)
    })
}

function integer(text: string): number {
  const value = Number(text)
  if (!Number.isSafeInteger(value) || value < 0) throw new InvalidArgumentError('expected a whole number')
  return value
}
