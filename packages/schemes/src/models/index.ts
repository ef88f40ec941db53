export type { DataRead, ModelCard, TrainingSession, Unknown } from './card.ts'
export { packageOf, useModelsFrom, weightsFile } from './places.ts'
export {
  loadModel,
  modelFor,
  type Model,
  type ModelWanted,
  networkWeights,
  otherWeights,
  readModel,
  writeModel,
} from './model.ts'
