import { BACKENDS, openStepper } from '@latent/graph'
import { placementOf } from '@latent/graph/placement'
import { findRecipe } from '@latent/schemes/recipes'
import { formatTable } from './format.ts'
import { recipeContext, type RunRecipeOptions } from './run-recipe.ts'

/** One step of a recipe, and where ONNX Runtime computed its operators. @throws E_BACKEND without an adapter */
export async function dryRun(name: string, options: RunRecipeOptions): Promise<void> {
  const { seed, backend = 'cpu', threads } = options
  const prepared = await findRecipe(name).open(recipeContext(options))
  try {
    const { device, processor } = await placementOf(async profiling => {
      const stepper = await openStepper(prepared.training, seed, { ...profiling, backend: BACKENDS[backend], ...(threads === undefined ? {} : { threads }) })
      try {
        await stepper.advance(await prepared.data(0), prepared.rates.map(rate => rate(0, prepared.steps)))
      } finally {
        await stepper.close()
      }
    })
    const count = processor.reduce((sum, [, times]) => sum + times, 0)
    process.stdout.write(`one step of ${name} on ${backend}: ${device} operators on the graphics card, ${count} on the processor\n`)
    if (count > 0) process.stdout.write(`${formatTable([['on the processor', 'times'], ...processor.map(([op, times]) => [op, String(times)])])}\n`)
  } finally {
    await prepared.close?.()
  }
}
