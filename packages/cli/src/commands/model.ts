import { InvalidArgumentError, type Command, Option } from 'commander'
import type { AddModelOptions } from '../add-model.ts'
import type { FreezeOptions } from '../freeze-flow.ts'
import { repeated } from '../keys/index.ts'

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
      if (!/^[a-z0-9]+(?:-[a-z0-9]+)*$/.test(options.id)) throw new InvalidArgumentError('an id has small letters, digits and single hyphens')
      const { addModel } = await import('../add-model.ts')
      await addModel(run, options)
    })
  model
    .command('freeze')
    .description('round a run of the recipe exact-flow to its integers: canonical bytes, card, curve, and the module that carries them')
    .argument('<run>', 'folder that latent train wrote')
    .option('--id <id>', 'name of the files', 'exact-flow')
    .option('--best', 'the weights with the best validation score, not the last ones')
    .option('--remark <text>', 'anything a reader of the card must know; may be given several times', repeated)
    .option('--out <folder>', 'where the files go', 'models')
    .option('--module <file>', 'write the TypeScript module too; ours is packages/schemes/src/exact-flow/trained.ts')
    .option('--force', 'replace files of this name')
    .action(async (run: string, options: FreezeOptions) => {
      const { freezeFlow } = await import('../freeze-flow.ts')
      await freezeFlow(run, options)
    })
}
