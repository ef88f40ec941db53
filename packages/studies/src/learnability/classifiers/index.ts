import { LatentError } from '@latent/core'
import type { Classifier, Task } from './classifier.ts'
import { pooledNetwork } from './pooled.ts'
import { quickNetwork, resNet18, resNet20 } from './residual.ts'
import { visionTransformer } from './vision-transformer.ts'

export * from './augmentation.ts'
export * from './classifier.ts'
export * from './pooled.ts'
export * from './residual.ts'
export * from './settings.ts'
export * from './vision-transformer.ts'

/** Networks by the name that `latent lab learnability --network` takes, for a task at hand. */
export const classifiers: Readonly<Record<string, (task: Task) => Classifier>> = {
  quick: task =>
    task.channels === 1
      ? quickNetwork('quick', task, { stem: 32, stemStride: 2, widths: [48, 96] })
      : quickNetwork('quick', task, { stem: 32, stemStride: 1, widths: [48, 96, 192] }),
  wide: task => pooledNetwork('wide', task, { stem: 32, widths: [64, 256, 256] }),
  'resnet-20': task => resNet20(task),
  'resnet-18': resNet18,
  vit: task => visionTransformer('vit', task, { patch: 4, width: 128, depth: 6, heads: 4 }),
}

/** @throws E_ARGUMENT for an unknown name, listing the known ones */
export function findClassifier(id: string, task: Task): Classifier {
  const make = Object.hasOwn(classifiers, id) ? classifiers[id] : undefined
  if (!make)
    throw new LatentError('E_ARGUMENT', `there is no network ${JSON.stringify(id)}`, {
      hint: `known networks: ${Object.keys(classifiers).join(', ')}`,
    })
  return make(task)
}
