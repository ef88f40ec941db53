import { findSettings } from './classifiers/settings.ts'
import { DEFAULT_ARMS, isKeyFileArm } from './arms.ts'
import type { LearningSummary } from './summary.ts'

/** Where the commands that are printed put a comparison. */
export const comparisonFolder = (data: string): string => `runs/learn-${data}`

/** What makes such a comparison anew. */
export function comparisonCommand({
  run: { data, recipe, settings, limited, train, test },
  seeds,
  arms,
}: LearningSummary): string {
  const usual = findSettings(recipe, data)
  const own = arms.some(({ arm }) => isKeyFileArm(arm))
  const names = arms.map(({ arm }) => arm).filter(arm => !isKeyFileArm(arm))
  const options = [
    names.toSorted().join() !== [...DEFAULT_ARMS].toSorted().join() && `--arms ${names.join()}`,
    own && '--vortex-key KEY.json',
    `--seeds ${seeds}`,
    recipe !== 'two-core' && `--recipe ${recipe}`,
    settings.network !== usual.network && `--network ${settings.network}`,
    settings.epochs !== usual.epochs && `--epochs ${settings.epochs}`,
    limited && `--train ${train} --test ${test}`,
    `--out ${comparisonFolder(data)}`,
  ]
  return ['latent lab learnability', `--data ${data}`, ...options.filter(option => option !== false)].join(' ')
}
