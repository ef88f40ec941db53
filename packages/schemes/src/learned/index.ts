export * from './labels.ts'
export * from './sized-networks.ts'
export * from './tiles.ts'
