export * from './arms.ts'
export * from './information.ts'
export * from './page.ts'
export * from './summary.ts'
