export * from './bench.ts'
export * from './fourier.ts'
export { fieldImage, fieldsOf, gridOf, pictureOf, planesOf } from './drpe.ts'
export { opticsSchemes } from './scheme.ts'
