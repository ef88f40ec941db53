export * from './cipher.ts'
export * from './network.ts'
