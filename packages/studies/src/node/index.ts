export * from '../learnability/run.ts'
export * from './study.ts'
