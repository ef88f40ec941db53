export type { DataRead, ModelCard, TrainingSession, Unknown } from './card.ts'
export { loadModel, modelFor, type Model, type ModelWanted, networkWeights, readModel, writeModel } from './model.ts'
