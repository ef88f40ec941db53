export type { ModelCard } from './card.ts'
export { loadModel, type Model, type ModelWanted, networkWeights, readModel, writeModel } from './model.ts'
