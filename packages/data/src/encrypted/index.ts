export * from './convert.ts'
