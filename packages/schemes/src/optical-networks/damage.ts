/**
 * What noise on a bench's field does to the picture behind it. A lens keeps the law of noise that is alike everywhere,
 * and so do random masks: training adds it to the light of the picture, and needs no bench.
 */
export type Damage = (sample: number, noise: readonly [re: number, im: number]) => number

/** A picture that is the amplitude of the light. */
export const ofAmplitude: Damage = (sample, [re, im]) => Math.hypot(sample + re, im)

/** A picture that is the phase of light of unit length, in half turns; see `phases` of the hiding bench. */
export const ofPhase: Damage = (sample, [re, im]) => {
  const turn = Math.atan2(Math.sin(Math.PI * sample) + im, Math.cos(Math.PI * sample) + re) / Math.PI
  return turn < -0.5 ? turn + 2 : turn
}
