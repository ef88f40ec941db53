// fft.js ships no declarations.
declare module 'fft.js' {
  export default class FFT {
    /** @param size a power of two above 1 */
    constructor(size: number)
    readonly size: number
    /** Forward transform of interleaved complex numbers: 2 x size values. */
    transform(out: Float64Array, data: Float64Array): void
    inverseTransform(out: Float64Array, data: Float64Array): void
  }
}
