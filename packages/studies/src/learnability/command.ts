import { findSettings } from './classifiers/settings.ts'
import { DEFAULT_VARIANTS, isKeyFileVariant } from './variants.ts'
import type { LearningSummary } from './summary.ts'

/** Where the commands that are printed put a comparison. */
export const comparisonFolder = (data: string): string => `runs/learn-${data}`

/** What makes such a comparison anew. */
export function comparisonCommand({
  run: { data, preset, settings, limited, train, test },
  seeds,
  variants,
}: LearningSummary): string {
  const usual = findSettings(preset, data)
  const own = variants.some(({ variant }) => isKeyFileVariant(variant))
  const names = variants.map(({ variant }) => variant).filter(variant => !isKeyFileVariant(variant))
  const options = [
    names.toSorted().join() !== [...DEFAULT_VARIANTS].toSorted().join() && `--variants ${names.join()}`,
    own && '--vortex-key KEY.json',
    `--seeds ${seeds}`,
    preset !== 'two-core' && `--preset ${preset}`,
    settings.network !== usual.network && `--network ${settings.network}`,
    settings.epochs !== usual.epochs && `--epochs ${settings.epochs}`,
    limited && `--train ${train} --test ${test}`,
    `--out ${comparisonFolder(data)}`,
  ]
  return ['latent lab learnability', `--data ${data}`, ...options.filter(option => option !== false)].join(' ')
}
