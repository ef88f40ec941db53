import { LatentError, formatBytes } from '@latent/core'
import { packageOf } from '@latent/schemes/models'
import type { AddModelOptions, CurveOptions, FreezeOptions } from '@latent/training/models'
import { join } from 'node:path'
import { InvalidArgumentError, type Command, Option } from 'commander'
import { repeated } from '../keys/index.ts'
import { formatTable, visible } from '../terminal.ts'

/** Adds `latent model` to the program. Whatever an action needs is loaded when it runs. */
export function modelCommand(program: Command): void {
  const model = program.command('model').description('trained weights with their cards')
  model
    .command('add')
    .description('turn a training run into weights that schemes read: weights, card and curve')
    .argument('<run>', 'folder that latent train wrote')
    .requiredOption('--id <id>', 'name of the files, such as flowcrypt-2025-compact')
    .requiredOption('--scheme <id>', 'scheme whose networks these are')
    .requiredOption('--profile <name>', "which of the scheme's networks")
    .requiredOption('--recipe <name>', 'what latent train was given')
    .option('--best', 'the weights with the best validation score, not the last ones')
    .addOption(new Option('--storage <bits>', 'f16 is half the size').choices(['f16', 'f32']).default('f16'))
    .option('--remark <text>', 'anything a reader of the card must know; may be given several times', repeated)
    .option('--out <folder>', 'where the files go', 'models')
    .option('--force', 'replace files of this name')
    .action(async (run: string, options: AddModelOptions) => {
      if (!/^[a-z0-9]+(?:-[a-z0-9]+)*$/.test(options.id))
        throw new InvalidArgumentError('an id has small letters, digits and single hyphens')
      const { addModel } = await import('@latent/training/models')
      const { id, parameters, bytes } = await addModel(run, options)
      process.stdout.write(
        `${id}.safetensors: ${parameters} parameters in ${bytes} bytes, in ${visible(options.out)}\n`,
      )
    })
  model
    .command('curve')
    .description('keep the course of a run: its figures over steps as a small file, beside the others in docs/training')
    .argument('<run>', 'folder that latent train wrote')
    .requiredOption('--run <name>', 'name of the file, such as encipher-gan-repaired-1')
    .requiredOption('--note <text>', 'what came of it')
    .option('--machine <text>', 'where it ran, if its record does not say')
    .option('--started-from <text>', 'what it started from, if its record does not say')
    .option('--seconds <n>', 'how long it took, if its record does not say', Number)
    .option('--recipe <name>', 'if its record does not say')
    .option('--profile <name>', 'if its record does not say')
    .option('--seed <n>', 'if its record does not say', Number)
    .option('--steps <n>', 'planned, if its record does not say', Number)
    .option('--batch-size <n>', 'if its record does not say', Number)
    .option('--out <folder>', 'where the file goes', 'docs/training')
    .option('--force', 'replace the file of this name')
    .action(async (run: string, options: CurveOptions) => {
      if (!/^[a-z0-9]+(?:-[a-z0-9]+)*$/.test(options.run))
        throw new InvalidArgumentError('a name has small letters, digits and single hyphens')
      const { writeCurve } = await import('@latent/training/models')
      const { path, kept, lines } = await writeCurve(run, options)
      process.stdout.write(`${visible(path)}: ${kept} of ${lines} lines\n`)
    })
  model
    .command('page')
    .description('write the tables of docs/training.md anew, from docs/training and models')
    .action(async () => {
      const { writeTrainingPage } = await import('@latent/training/models')
      await writeTrainingPage('.')
    })
  model
    .command('freeze')
    .description(
      'round a run of an exact-flow recipe to its integers: canonical bytes, card, curve, and the module that ' +
        'carries them',
    )
    .argument('<run>', 'folder that latent train wrote')
    .option('--id <id>', 'name of the files', 'exact-flow')
    .option('--recipe <name>', 'the recipe of the run; the one named as the files unless given')
    .option('--best', 'the weights with the best validation score, not the last ones')
    .option('--remark <text>', 'anything a reader of the card must know; may be given several times', repeated)
    .option('--out <folder>', 'where the files go', 'models')
    .option(
      '--module <file>',
      'write the TypeScript module too; ours are packages/schemes/src/exact-flow/trained.ts and second.ts',
    )
    .option('--force', 'replace files of this name')
    .action(async (run: string, options: FreezeOptions) => {
      const { freezeFlow } = await import('@latent/training/models')
      const { id, parameters, bytes, sha256 } = await freezeFlow(run, options)
      process.stdout.write(
        `${visible(join(options.out, id))}.weights: ${parameters} integers in ${bytes} bytes, SHA-256 ${sha256}\n`,
      )
    })
  model
    .command('list')
    .description('the weights that schemes can have, their sizes, and which are here')
    .action(async () => {
      const { isHere, modelCards } = await import('@latent/schemes/models/node')
      const cards = await modelCards()
      const rows = await Promise.all(
        cards.map(async card => [
          card.id,
          card.scheme,
          formatBytes(card.bytes),
          (await isHere(card)) ? 'here' : (packageOf(card) ?? 'to be fetched'),
        ]),
      )
      process.stdout.write(`${formatTable([['weights', 'scheme', 'size', 'where'], ...rows])}\n`)
    })
  model
    .command('fetch')
    .description('bring weights that no package holds into ~/.cache/latent, and check every byte against their card')
    .argument('<id...>', 'names as latent model list prints them')
    .addOption(new Option('--from <url>', 'address of a folder with the files of models/').env('LATENT_MODELS'))
    .action(async (ids: string[], { from }: { from?: string }) => {
      if (from === undefined)
        throw new LatentError('E_ARGUMENT', 'there is no address to fetch weights from', {
          hint: 'give --from https://..., or --from file:///... for a folder, or set LATENT_MODELS',
        })
      const { requireAddress } = await import('@latent/data/node')
      const { fetchModel } = await import('@latent/schemes/models/node')
      const address = requireAddress(from)
      for (const id of ids) {
        const outcome = await fetchModel(id, address)
        process.stdout.write(
          outcome === 'present'
            ? `${visible(id)}: already here, content as its card says\n`
            : `${visible(id)}: ${formatBytes(outcome.bytes)} to ${visible(outcome.path)}, content as its card says\n`,
        )
      }
    })
}
