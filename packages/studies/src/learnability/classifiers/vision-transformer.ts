import { layers, normal, ops } from '@latent/graph'
import type { Expr } from '@latent/graph'
import { type Classifier, classifier, type Task } from './classifier.ts'

interface TransformerOptions {
  /** Pixels a side of one token; divides the image's sides. */
  readonly patch: number
  readonly width: number
  readonly depth: number
  readonly heads: number
}

/** Deviation of the initial embeddings, as Dosovitskiy et al. draw them. */
const EMBEDDING_DEVIATION = 0.02

/**
 * A vision transformer (Dosovitskiy et al. 2021), pre-norm, the mean over tokens instead of a class
 * token. It starts from nothing; the vortex paper's was pre-trained on ImageNet, which small data sets
 * cannot make up for.
 */
export function visionTransformer(
  id: string,
  { width: imageWidth, height, channels, classes }: Task,
  { patch, width, depth, heads }: TransformerOptions,
): Classifier {
  const tokens = Math.floor(imageWidth / patch) * Math.floor(height / patch)
  return classifier({
    id,
    parameters: {
      patches: layers.conv2dParameters(channels, width, patch, { gain: Math.SQRT1_2 }),
      places: normal([tokens, width], EMBEDDING_DEVIATION),
      blocks: Array.from({ length: depth }, () => ({
        norm1: layers.scaleParameters(width),
        attention: layers.attentionParameters(width),
        norm2: layers.scaleParameters(width),
        wide: layers.denseParameters(width, 4 * width),
        narrow: layers.denseParameters(4 * width, width, { gain: Math.SQRT1_2 }),
      })),
      norm: layers.scaleParameters(width),
      dense: layers.denseParameters(width, classes, { gain: Math.SQRT1_2 }),
    },
    statistics: {},
    logits(p, _, images) {
      const [n] = images.shape as [number]
      const grid = layers.conv2d(p.patches, images, { stride: patch, padding: 0 })
      let x: Expr = ops.add(ops.transpose(ops.reshape(grid, [n, width, tokens]), [0, 2, 1]), p.places)
      for (const block of p.blocks) {
        x = ops.add(x, layers.attention(block.attention, layers.layerNorm(x, block.norm1), heads))
        x = ops.add(x, layers.dense(block.narrow, ops.gelu(layers.dense(block.wide, layers.layerNorm(x, block.norm2)))))
      }
      return layers.dense(p.dense, ops.mean(layers.layerNorm(x, p.norm), 1))
    },
  })
}
