export * from './cipher.ts'
export * from './key.ts'
export * from './map.ts'
export * from './description.ts'
