/**
 * How long each publication trained, as far as it says so. Our recipes are shorter than any of them would
 * be: `--profile paper` gives a network its published width, and not a published training.
 */
const LENGTHS: readonly (readonly [prefix: string, length: string])[] = [
  ['flowcrypt', 'the publication states neither steps nor epochs'],
  ['mask-autoencoder', 'the publication states a learning rate of 0.001, and neither epochs nor batch'],
  ['encipher-gan', 'the publication states neither epochs nor data-set size'],
  ['dense-resnet', 'the publication states neither epochs nor learning rate'],
  ['ito-judge', "the publication's classifiers: 200 epochs of CIFAR, batch 128"],
  ['ito-transform', 'the publication states its loss; the length is unknown to us'],
  ['exact-flow', 'our own: there is no publication'],
  ['denoiser', 'our own variant: there is no publication of it'],
]

/** How long those who published a scheme trained it, in words; `unknown` where no paper says. */
export const publishedLength = (recipe: string): string =>
  LENGTHS.find(([prefix]) => recipe.startsWith(prefix))?.[1] ?? 'unknown'
