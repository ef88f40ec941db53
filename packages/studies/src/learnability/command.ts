import { DEFAULT_PRESET, findSettings } from './classifiers/settings.ts'
import { DEFAULT_VARIANTS, isKeyFileVariant } from './variants.ts'
import type { LearningRun, LearningSummary } from './summary.ts'

/** What files of a comparison begin with: the set, and the preset unless it is the usual one. */
export const comparisonStem = ({ data, preset }: Pick<LearningRun, 'data' | 'preset'>): string =>
  preset === DEFAULT_PRESET ? data : `${data}-${preset}`

/** Where the commands that are printed put a comparison. */
export const comparisonFolder = (run: Pick<LearningRun, 'data' | 'preset'>): string =>
  `runs/learn-${comparisonStem(run)}`

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
    preset !== DEFAULT_PRESET && `--preset ${preset}`,
    settings.network !== usual.network && `--network ${settings.network}`,
    settings.epochs !== usual.epochs && `--epochs ${settings.epochs}`,
    limited && `--train ${train} --test ${test}`,
    `--out ${comparisonFolder({ data, preset })}`,
  ]
  return ['latent lab learnability', `--data ${data}`, ...options.filter(option => option !== false)].join(' ')
}
