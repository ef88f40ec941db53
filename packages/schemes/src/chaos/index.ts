export * from './bytes.ts'
export * from './dna.ts'
export * from './maps.ts'
export * from './sequences.ts'
