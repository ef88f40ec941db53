// Runs in a browser, called by page.test.ts.

export const isolated = (): boolean => crossOriginIsolated

export const doubled = (values: Float32Array): Float32Array => values.map(value => 2 * value)

export function refuses(): never {
  throw Object.assign(new Error('no answer'), { hint: 'ask again' })
}
