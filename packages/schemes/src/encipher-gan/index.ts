export * from './cipher.ts'
export * from './network.ts'
export * from './structure.ts'
export * from './description.ts'
