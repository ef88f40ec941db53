/**
 * What noise on a bench's field does to a picture that is the amplitude of its light. A lens keeps the law of noise
 * that is alike everywhere, and so do random masks: training adds it to the light of the picture, and needs no bench.
 */
export const ofAmplitude = (sample: number, [re, im]: readonly [re: number, im: number]): number =>
  Math.hypot(sample + re, im)
