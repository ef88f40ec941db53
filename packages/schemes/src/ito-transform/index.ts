export * from './cipher.ts'
export * from './judge.ts'
export * from './network.ts'
export * from './description.ts'
