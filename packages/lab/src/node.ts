export * from './node/data-fetch.ts'
export * from './node/data-sets.ts'
export * from './node/decode.ts'
export * from './node/evaluate.ts'
