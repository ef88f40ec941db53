export * from './bytewise.ts'
export * from './open.ts'
export * from './scheme.ts'
