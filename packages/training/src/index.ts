export * from './dry-run.ts'
export * from './queue.ts'
export * from './recipe-run.ts'
export * from './record.ts'
