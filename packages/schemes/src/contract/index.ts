export * from './bytewise.ts'
export * from './key-kind.ts'
export * from './open.ts'
export * from './scheme.ts'
