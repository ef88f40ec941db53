import { readFile } from 'node:fs/promises'
import type { FlowVector } from './exact-flow-vectors.ts'

/** The published vectors of one set of weights. */
export const vectorFile = (set: string): URL =>
  new URL(`vectors/exact-flow${set === 'constant' ? '' : `-${set}`}.json`, import.meta.url)

export const publishedVectors = async (set: string): Promise<{ weights: string; vectors: FlowVector[] }> =>
  JSON.parse(await readFile(vectorFile(set), 'utf8')) as { weights: string; vectors: FlowVector[] }
