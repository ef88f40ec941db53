import { concatBytes, LatentError, sha256Of } from '@latent/core'
import { encodePng } from '@latent/core/png'
import type { Blocks } from './channel/geometry.ts'
import { modeOf } from './channel/modes.ts'
import { Draws } from './draws.ts'
import { spareParts } from './erasure.ts'
import type { Descriptor } from './frame.ts'
import { encodePicture, pictureSize } from './picture.ts'
import { groupBytes, planGroup } from './plan.ts'
import type { Preset } from './presets.ts'

/** One picture that is to be made: everything that it follows from. */
export interface PartTask {
  readonly content: Uint8Array
  readonly descriptor: Descriptor
  readonly blocks: Blocks
  readonly mode: number
}

/** The PNG of a part: grey, 8 bits, stored without compression, for noise does not become smaller. */
export function makePart({ content, descriptor, blocks, mode }: PartTask): Uint8Array {
  const data = encodePicture(content, descriptor, blocks, modeOf(mode))
  return encodePng({ ...pictureSize(blocks, modeOf(mode)), channels: 1, format: 'u8', data }, 0)
}

/**
 * The parts of a set, group by group.
 * @param stream all that the set carries, in parts of any size
 * @param size how many bytes that is
 */
export async function* partTasks(
  stream: AsyncIterable<Uint8Array>,
  size: number,
  preset: Preset,
): AsyncGenerator<PartTask> {
  const full = groupBytes(preset)
  const groups = Math.max(1, Math.ceil(size / full))
  if (groups > 65535)
    throw new LatentError('E_LIMIT', 'this is more than one set of pictures carries', {
      hint: 'seal fewer files at a time, or large ones into PNGs of noise',
    })
  let set: Uint8Array | undefined
  let group = 0
  let left = size
  let gathered = new Uint8Array(Math.min(full, left))
  let filled = 0
  function* finished(): Generator<PartTask> {
    set ??= sha256Of(gathered.subarray(0, 4096)).slice(0, 8)
    yield* groupTasks(gathered, { set, group, groups, size: gathered.length }, preset)
    left -= gathered.length
    group++
    gathered = new Uint8Array(Math.min(full, left))
    filled = 0
  }
  for await (const part of stream)
    for (let at = 0; at < part.length;) {
      const take = Math.min(part.length - at, gathered.length - filled)
      if (take === 0) throw new LatentError('E_INTERNAL', 'there is more to carry than was said')
      gathered.set(part.subarray(at, at + take), filled)
      filled += take
      at += take
      if (filled === gathered.length) yield* finished()
    }
  if (left > 0) throw new LatentError('E_INTERNAL', 'there is less to carry than was said')
}

function* groupTasks(
  bytes: Uint8Array,
  about: Pick<Descriptor, 'set' | 'group' | 'groups' | 'size'>,
  preset: Preset,
): Generator<PartTask> {
  const { mode, blocks, partBytes, data, spare } = planGroup(bytes.length, preset)
  // What is left of the last part is filled up with what looks alike.
  const rest = new Draws(0x4649_4c4c)
  const filler = Uint8Array.from({ length: data * partBytes - bytes.length }, () => rest.next() >>> 24)
  const whole = concatBytes(bytes, filler)
  const contents = Array.from({ length: data }, (_, part) => whole.slice(part * partBytes, (part + 1) * partBytes))
  const all = [...contents, ...spareParts(contents, spare)]
  for (const [part, content] of all.entries())
    yield { content, descriptor: { ...about, data, spare, part }, blocks, mode: mode.id }
}
