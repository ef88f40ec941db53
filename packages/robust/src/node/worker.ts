import { LatentError } from '@latent/core'
import { readFile } from 'node:fs/promises'
import { partOf } from '../collect.ts'
import { makePart, type PartTask } from '../make.ts'
import { readPicture } from '../read.ts'
import { sharpPixels } from './pixels.ts'
import type { Outcome, Reading, Task } from './task.ts'

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
  const read = await readPicture(await readFile(path), sharpPixels)
  const { channel, frames, opened, scale } = read
  const part = partOf(path, read)
  return {
    format: opened.format,
    width: opened.width,
    height: opened.height,
    mode: channel.mode.id,
    scale,
    agreement: channel.agreement,
    information: channel.information,
    needed: channel.needed,
    frames: frames.map(Boolean),
    ...(part && { descriptor: part.descriptor, content: await part.content() }),
  }
}
