import { LatentError } from '@latent/core'
import type { ModelCard } from './card.ts'

/** What finds weights: where they may lie, and what they must be. */
export type WantedFile = Pick<ModelCard, 'id' | 'scheme' | 'sha256' | 'bytes'>

/** Every card, and small weights: comes with Latent. */
export const MODELS_PACKAGE = '@latent/models'
const SMALL_BYTES = 1e6
const PACKED_BYTES = 8e6

/** The package that holds the medium-sized weights of a scheme. */
export const schemePackage = (scheme: string): string => `${MODELS_PACKAGE}-${scheme}`

/** The package that weights are published in; undefined for those too large for any. */
export function packageOf({ scheme, bytes }: Pick<ModelCard, 'scheme' | 'bytes'>): string | undefined {
  if (bytes > PACKED_BYTES) return undefined
  return bytes > SMALL_BYTES ? schemePackage(scheme) : MODELS_PACKAGE
}

/** The file that weights lie in. What no package holds is packed by gzip: a checkout has it all. */
export const weightsFile = (card: Pick<ModelCard, 'id' | 'scheme' | 'bytes'>): string =>
  `${card.id}.safetensors${packageOf(card) === undefined ? '.gz' : ''}`

let folder: URL | undefined

/** Looks for cards and weights in another folder first: one that a page serves, or in Node one of the disk. */
export function useModelsFrom(address: URL | string | undefined): void {
  folder = address === undefined ? undefined : new URL(String(address).replace(/\/*$/, '/'))
}

/** The folder that the page named by `useModelsFrom`. */
export const chosenFolder = (): URL | undefined => folder

/** The refusal, and what to do. */
export function missingFile(name: string, card: WantedFile | undefined, hint?: string): LatentError {
  if (!card)
    return new LatentError('E_WEIGHTS', `the file ${name} is not among the weights that came with Latent`, {
      hint: hint ?? 'install Latent again, or train: latent train lists the recipes',
    })
  const from = packageOf(card)
  const fetched = `latent model fetch ${card.id} --from ADDRESS`
  return new LatentError('E_WEIGHTS', `the weights ${card.id} are not installed`, {
    hint:
      hint ??
      (from === undefined ? `they are too large for a package: ${fetched}` : `npm install ${from}, or ${fetched}`),
  })
}
