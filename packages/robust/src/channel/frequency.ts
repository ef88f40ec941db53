/** The diagonal of a coefficient: horizontal and vertical frequency together, 0 to 14. */
export const frequency = (place: number): number => (place >> 3) + (place & 7)
