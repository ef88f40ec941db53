// Update rules as their papers print them, one number at a time in double precision.

export interface Rule {
  step(parameter: number, gradient: number, state: Record<string, number>, t: number): number
}

export const adam = (
  rate: number,
  { beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8, weightDecay = 0, decoupled = false } = {},
): Rule => ({
  step(parameter, gradient, state, t) {
    const g = decoupled ? gradient : gradient + weightDecay * parameter
    state['m'] = beta1 * (state['m'] ?? 0) + (1 - beta1) * g
    state['v'] = beta2 * (state['v'] ?? 0) + (1 - beta2) * g * g
    const mHat = state['m'] / (1 - beta1 ** t)
    const vHat = state['v'] / (1 - beta2 ** t)
    const kept = decoupled ? parameter - rate * weightDecay * parameter : parameter
    return kept - (rate * mHat) / (Math.sqrt(vHat) + epsilon)
  },
})

export const sgd = (rate: number, { momentum = 0.9, nesterov = true, weightDecay = 0 } = {}): Rule => ({
  step(parameter, gradient, state) {
    const g = gradient + weightDecay * parameter
    state['b'] = momentum * (state['b'] ?? 0) + g
    return parameter - rate * (nesterov ? g + momentum * state['b'] : state['b'])
  },
})
