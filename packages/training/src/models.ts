export * from './add-model.ts'
export * from './finished-run.ts'
export * from './freeze-flow.ts'
