export * from './counting.ts'
export * from './linear.ts'
export * from './patterns.ts'
export * from './suite.ts'
