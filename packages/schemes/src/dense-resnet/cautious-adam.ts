import { adam, ops, type Optimiser } from '@latent/graph'

const BETA2 = 0.999

/**
 * Adam with smaller steps where the loss is steep: own variant. Adam moves every weight by about the
 * learning rate, however steep the loss; a step then changes the loss by up to rate * sum |gradient|. In a
 * structured start gradients span six orders of magnitude, and no rate suits all. Here a step is multiplied
 * by limit / (limit + sqrt(v)), so that no weight changes the loss by more than about rate * limit.
 */
export function cautiousAdam(limit: number): Optimiser {
  const rule = adam({ beta2: BETA2 })
  return {
    slots: rule.slots,
    // The second slot of Adam holds v / (1 - beta2) without correction of its bias: this factor brings its root to that
    // of v.
    scalars: (step, rate) => [...rule.scalars(step, rate), Math.sqrt((1 - BETA2) / (1 - BETA2 ** step))],
    update(parameter, gradient, slots, scalars) {
      const next = rule.update(parameter, gradient, slots, scalars)
      const steepness = ops.mul(ops.sqrt(next.slots[1]!), scalars.at(-1)!)
      const caution = ops.div(limit, ops.add(steepness, limit))
      return { parameter: ops.add(parameter, ops.mul(ops.sub(next.parameter, parameter), caution)), slots: next.slots }
    },
  }
}
