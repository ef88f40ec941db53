export * from './node/evaluate.ts'
export * from './node/journal.ts'
export * from './node/outputs.ts'
export * from './node/randomness.ts'
