import { LatentError } from '@latent/core'
import { readFile } from 'node:fs/promises'
import { makePart, type PartTask } from '../make.ts'
import { contentBytes } from '../picture.ts'
import { readPicture } from '../read.ts'
import { sharpPixels } from './pixels.ts'
import type { Outcome, Reading, Task } from './pool.ts'

/** One picture made or read. */
export default async function work(task: Task): Promise<Outcome> {
  return task.kind === 'make' ? make(task.part) : read(task.path)
}

const make = (part: PartTask): Outcome => ({ kind: 'made', png: makePart(part) })

async function read(path: string): Promise<Outcome> {
  try {
    return { kind: 'read', reading: await readingOf(path) }
  } catch (error) {
    // Errors of our own lose their class on the way between threads.
    if (!(error instanceof LatentError)) throw error
    return { kind: 'refused', code: error.code, message: error.message, hint: error.hint }
  }
}

async function readingOf(path: string): Promise<Reading> {
  const { channel, frames, blocks, orientation, cropped, opened } = await readPicture(await readFile(path), sharpPixels)
  const each = contentBytes(channel.mode)
  const content = new Uint8Array(frames.length * each)
  frames.forEach((frame, index) => frame && content.set(frame.content, index * each))
  const { mode, agreement, information, needed } = channel
  const descriptor = frames.find(Boolean)?.descriptor
  return {
    format: opened.format,
    width: opened.width,
    height: opened.height,
    blocks,
    mode: mode.id,
    agreement,
    information,
    needed,
    orientation,
    cropped,
    frames: frames.map(Boolean),
    ...(descriptor ? { descriptor, content } : {}),
  }
}
