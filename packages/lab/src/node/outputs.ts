import { argumentError } from '@latent/core'
import { publish, publishNow } from '@latent/core/node'
import { readFileSync } from 'node:fs'

/** Words by which a file that an earlier run wrote is known: those alone are written over. */
export const MARKS = {
  page: '<meta name="generator" content="latent lab">',
  study: 'Everything above was measured and written by `',
  json: '"version": 1',
  results: '"study": ',
  randomness: '"pValues":',
} as const

const HINT = 'it is not what an earlier run of this kind wrote; choose another name, or move it away'

const marked = (text: string, mark: string): Uint8Array => {
  if (!text.includes(mark)) throw argumentError('text', `a text with ${mark}`, text.slice(0, 80))
  return new TextEncoder().encode(text)
}

/** @throws E_EXISTS for a file without the mark; E_IO */
export async function publishText(path: string, text: string, mark: string): Promise<void> {
  await publish(path, [marked(text, mark)], {
    replace: target => readFileSync(target, 'utf8').includes(mark),
    hint: HINT,
  })
}

/** @throws E_EXISTS for a file without the mark; E_IO */
export function publishTextNow(path: string, text: string, mark: string): void {
  publishNow(path, marked(text, mark), { replace: target => readFileSync(target, 'utf8').includes(mark), hint: HINT })
}
