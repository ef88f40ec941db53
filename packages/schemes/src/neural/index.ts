export * from './sized-networks.ts'
export * from './tiles.ts'
