export * from './node/attack-output.ts'
export * from './node/attack-run.ts'
export * from './node/evaluate.ts'
export * from './node/journal.ts'
export { readMatrix } from './node/matrix-input.ts'
export * from './node/outputs.ts'
export {
  isScript,
  openOwn,
  type NamedAttack,
  resolveAttacks,
  resolveSchemes,
  resolveTests,
  type OwnTest,
  type SchemeName,
  type NamedScheme,
} from './node/own-scripts.ts'
export * from './node/randomness.ts'
