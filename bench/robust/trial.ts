import { blocksFor, slotsOf } from '../../packages/robust/src/channel/geometry.ts'
import { modeOf } from '../../packages/robust/src/channel/modes.ts'
import { contentBytes, encodePicture, pictureBytes, pictureSize } from '../../packages/robust/src/picture.ts'
import { readPicture } from '../../packages/robust/src/read.ts'
import { sharpPixels } from '../../packages/robust/src/node/pixels.ts'
import { createHash } from 'node:crypto'
import { ENCODERS } from './encoders.ts'
import { SCALERS } from './scalers.ts'

/** Pictures of one mode, through one encoder. */
export interface Trial {
  readonly mode: number
  readonly encoder: string
  readonly quality: number
  readonly seed: string
  readonly pictures: number
  /** Codewords a picture. */
  readonly frames: number
  /** What makes pictures smaller before they are encoded, and to how much of their sides. */
  readonly scaled?: { readonly by: string; readonly to: number }
}

export interface Outcome {
  readonly pictures: number
  readonly failedPictures: number
  readonly frames: number
  readonly failedFrames: number
  /** Codewords that passed their check and were not what was sent: there must be none. */
  readonly wrongFrames: number
  /**
   * Sums over pictures: payload a pixel as made and as it came back, what likelihoods held a pixel, bits a pixel of
   * the file, rounds a codeword.
   */
  readonly net: number
  readonly netBack: number
  readonly information: number
  readonly bits: number
  readonly rounds: number
}

/** Nothing where the encoder is not there. */
export default async function run(trial: Trial): Promise<Outcome | undefined> {
  const mode = modeOf(trial.mode)
  const blocks = blocksFor(trial.frames, mode)
  const each = contentBytes(mode)
  const sum = { pictures: 0, failedPictures: 0, frames: 0, failedFrames: 0, wrongFrames: 0 }
  const totals = { net: 0, netBack: 0, information: 0, bits: 0, rounds: 0 }
  for (let i = 0; i < trial.pictures; i++) {
    const size = pictureBytes(blocks, mode)
    const content = createHash('shake256', { outputLength: size }).update(`${trial.seed} ${i}`).digest()
    const descriptor = { set: content.subarray(0, 8), group: 0, groups: 1, size, data: 1, spare: 0, part: 0 }
    const pixels = encodePicture(content, descriptor, blocks, mode)
    const made = { ...pictureSize(blocks, mode), pixels }
    const { scaled } = trial
    const picture = scaled ? await SCALERS[scaled.by]!.scale(made, scaled.to) : made
    const encoded = await ENCODERS[trial.encoder]!.encode(picture, trial.quality)
    if (!encoded) return undefined
    sum.pictures++
    totals.bits += (8 * encoded.length) / picture.pixels.length
    totals.net += (8 * size) / pixels.length
    totals.netBack += (8 * size) / picture.pixels.length
    const found = await readPicture(new Uint8Array(encoded), sharpPixels).catch(() => undefined)
    const frames = found?.frames ?? Array.from({ length: trial.frames }, () => undefined)
    const right = frames.map((frame, f) => frame && content.subarray(f * each, (f + 1) * each).equals(frame.content))
    const failed = right.filter(right => right !== true).length
    sum.frames += frames.length
    sum.failedFrames += failed
    sum.wrongFrames += right.filter(right => right === false).length
    if (failed > 0) sum.failedPictures++
    totals.information += ((found?.channel.information ?? 0) * slotsOf(blocks, mode)) / pixels.length
    totals.rounds += (found?.rounds ?? 0) / frames.length
  }
  return { ...sum, ...totals }
}
