export * from './labels.ts'
export * from './tiles.ts'
