import { mkdtempSync } from 'node:fs'
import { mkdtemp, readdir, readFile, readlink, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeEach, expect, vi } from 'vitest'
import { calls, hooks } from './faults.ts'

/** Of this file of tests. */
export const root = mkdtempSync(join(tmpdir(), 'latent-places-'))
/** Of the test that runs: new and empty. */
export let folder = ''

beforeEach(async () => {
  folder = await mkdtemp(join(root, 'x'))
  calls.length = 0
})
afterEach(() => {
  for (const name of Object.keys(hooks)) delete hooks[name]
  vi.restoreAllMocks()
  vi.useRealTimers()
})
afterAll(() => rm(root, { recursive: true, force: true }))

export const at = (...names: string[]) => join(folder, ...names)
export const bytes = (text: string) => [new TextEncoder().encode(text)]
export const read = (path: string) => readFile(path, 'utf8')

export const refused = (code: string, message: string) => ({
  name: 'LatentError',
  code,
  message: expect.stringContaining(message),
  hint: expect.any(String),
})

/** What this process has open below the folder of the test. */
export async function openFiles(): Promise<string[]> {
  const links = await Promise.all(
    (await readdir('/proc/self/fd')).map(fd => readlink(`/proc/self/fd/${fd}`).catch(() => '')),
  )
  return links.filter(path => path.startsWith(folder))
}
