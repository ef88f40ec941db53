import type { Image } from '@latent/core'
import { type Attack, defineAttack } from '../contract.ts'
import { fitKernelRidge } from '../kernel-ridge.ts'
import { peak } from '../../metrics/samples.ts'
import { controls } from '../controls.ts'
import { asPicture } from '../score.ts'

const CLASSES = 10
const unit = ({ data, format }: Image): Float32Array => Float32Array.from(data, value => value / peak(format) - 0.5)
const best = (scores: ArrayLike<number>): number =>
  Array.from(scores).reduce((top, score, i, all) => (score > all[top]! ? i : top), 0)

type Example = { readonly cipher: Image; readonly label: number }

const classAttack = (
  id: string,
  title: string,
  learn: (examples: readonly Example[]) => Promise<(target: Image) => number> | ((target: Image) => number),
): Attack =>
  defineAttack({
    id,
    title,
    threat: 'labelled-ciphers',
    returns: 'class',
    budget: 120,
    positiveControl: { scheme: 'xor-reused-mask', expects: 'leaks' },
    async run({ labelled }, budget) {
      const examples = await labelled(Math.min(budget, 1024))
      const name = await learn(examples)
      return { classify: targets => targets.map(name) }
    },
  })

/** The class of the labelled cipher image that is nearest: distances of cipher images tell distances of pictures. */
export const classByDistance = classAttack('class-by-distance', 'the class of the nearest cipher image', examples => {
  const known = examples.map(({ cipher, label }) => ({ label, values: unit(cipher) }))
  return target => {
    const asked = unit(target)
    let found = { label: 0, distance: Infinity }
    for (const { label, values } of known) {
      let distance = 0
      for (let i = 0; i < asked.length; i++) distance += (asked[i]! - values[i]!) ** 2
      if (distance < found.distance) found = { label, distance }
    }
    return found.label
  }
})

/**
 * A linear probe.
 * @param penalty on its weights, relative to the inputs' mean square
 */
export const linearProbe = (penalty: number): Attack =>
  classAttack('class-by-probe', 'a linear probe of cipher images', examples => {
    const { predict } = fitKernelRidge(
      examples.map(({ cipher }) => unit(cipher)),
      examples.map(({ label }) => Float32Array.from({ length: CLASSES }, (_, c) => Number(c === label))),
      penalty,
    )
    return target => best(predict(unit(target)))
  })

/** See {@link linearProbe}. */
export const classByProbe = linearProbe(0.1)

const [EXAMPLES, STEPS] = [400, 240]

/**
 * A small convolutional network: sees what may stand anywhere in the cipher image, which a linear probe does not.
 */
export const classByNetwork = defineAttack({
  id: 'class-by-network',
  title: 'a small convolutional network on cipher images',
  threat: 'labelled-ciphers',
  returns: 'class',
  budget: EXAMPLES,
  positiveControl: { scheme: controls.rolled, expects: 'leaks' },
  async run({ shape, labelled }, budget) {
    const examples = await labelled(Math.min(budget, 1024))
    const { learnClasses } = await import('../trained/index.ts')
    const name = await learnClasses(
      examples.map(({ cipher, label }) => ({ picture: asPicture(cipher, shape), label })),
      CLASSES,
      { steps: STEPS, rate: 4e-3, threads: 1 },
    )
    return { classify: targets => name(targets.map(target => asPicture(target, shape))) }
  },
})
