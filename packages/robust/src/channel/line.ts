/** What became of one coefficient on its way. */
export interface Line {
  /** What a level of 1 has become. */
  readonly gain: number
  /** Standard deviation, in levels, of what was added before the last quantisation. */
  readonly noise: number
  /** How much farther, in steps, values must be from zero to be rounded away from it: encoders save bits so. */
  readonly reluctance: number
}

/** How often a coefficient has which value, in steps: pairs. */
export type Histogram = readonly (readonly [value: number, count: number])[]
