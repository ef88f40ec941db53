import { LatentError } from '@latent/core'
import { abadiRecipe } from './abadi-andersen/recipe.ts'
import { compressorRecipe } from './autoencoders/recipe.ts'
import { cycleRecipes } from './cycles/recipe.ts'
import { keyImageRecipe } from './deepkeygen/recipe.ts'
import { encryptGanRecipe } from './encryptgan/recipe.ts'
import { denoiserRecipe } from './denoiser/recipe.ts'
import { flowCryptRecipes } from './flowcrypt/recipe.ts'
import { exactFlowRecipes } from './exact-flow/recipe.ts'
import { itoJudgeRecipe, itoTransformRecipe } from './ito-transform/recipe.ts'
import { menderRecipe } from './optical-networks/recipe.ts'
import { maskAutoencoderRecipes } from './mask-autoencoder/recipe.ts'
import { encipherGanPublishedRecipe, encipherGanRecipe } from './encipher-gan/recipe.ts'
import { encipherGanRepairedRecipes } from './encipher-gan/repaired.ts'
import { denseResnetLearnedRecipes } from './dense-resnet/learned.ts'
import { denseResnetPublishedRecipe, denseResnetRecipe } from './dense-resnet/recipe.ts'
import { scrambledRecipe } from './sang/recipe.ts'
import { ganTransformRecipe } from './sirichotedumrong/recipe.ts'
import type { Recipe } from './recipe.ts'

export type { Profile, Recipe, RecipeContext, RecipeRun } from './recipe.ts'

/** Every training recipe, by the name that `latent train` takes. */
export const recipes: readonly Recipe[] = [
  denoiserRecipe,
  ...flowCryptRecipes,
  ...exactFlowRecipes,
  ...maskAutoencoderRecipes,
  encipherGanRecipe,
  encipherGanPublishedRecipe,
  ...encipherGanRepairedRecipes,
  denseResnetRecipe,
  denseResnetPublishedRecipe,
  ...denseResnetLearnedRecipes,
  itoJudgeRecipe,
  itoTransformRecipe,
  compressorRecipe,
  abadiRecipe,
  keyImageRecipe,
  scrambledRecipe,
  menderRecipe,
  ...cycleRecipes,
  encryptGanRecipe,
  ganTransformRecipe,
]

/** @throws E_ARGUMENT for an unknown name, listing the known ones */
export function findRecipe(id: string): Recipe {
  const recipe = recipes.find(candidate => candidate.id === id)
  if (!recipe)
    throw new LatentError('E_ARGUMENT', `there is no recipe ${JSON.stringify(id)}`, {
      hint: `known recipes: ${recipes.map(known => known.id).join(', ')}`,
    })
  return recipe
}
