export type { DataRead, ModelCard, TrainingSession, Unknown } from './card.ts'
export { loadModel, type Model, type ModelWanted, networkWeights, readModel, writeModel } from './model.ts'
