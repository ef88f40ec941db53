import { BACKENDS, openStepper } from '@latent/graph'
import { type Placement, placementOf } from '@latent/graph/placement'
import { findRecipe } from '@latent/schemes/recipes'
import { recipeContext, type RunRecipeOptions } from './recipe-run.ts'

/** One step of a recipe, and where ONNX Runtime computed its operators. @throws E_BACKEND without an adapter */
export async function dryRun(name: string, options: RunRecipeOptions): Promise<Placement> {
  const { seed, backend = 'cpu', threads } = options
  const prepared = await findRecipe(name).open(recipeContext(options))
  try {
    return await placementOf(async profiling => {
      const stepper = await openStepper(prepared.training, seed, {
        ...profiling,
        backend: BACKENDS[backend],
        ...(threads === undefined ? {} : { threads }),
      })
      try {
        await stepper.advance(
          await prepared.data(0),
          prepared.rates.map(rate => rate(0, prepared.steps)),
        )
      } finally {
        await stepper.close()
      }
    })
  } finally {
    await prepared.close?.()
  }
}
