export * from './metrics/index.ts'
export * from './statistics/bootstrap.ts'
export * from './statistics/special.ts'
