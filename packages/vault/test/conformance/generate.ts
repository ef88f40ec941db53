import { mkdir, rm, writeFile } from 'node:fs/promises'
import { drawKeys } from './keys.ts'
import { formatVector, type Vector } from './vector.ts'

export const FOLDER = new URL('vectors/', import.meta.url)

/** Every vector, the same bytes each time. */
export async function allVectors(): Promise<Vector[]> {
  const groups = await Promise.all([
    import('./success.ts'),
    import('./refused-header.ts'),
    import('./refused-body.ts'),
    import('./refused-carrier.ts'),
  ])
  const [success, header, body, carrier] = groups
  return [
    ...(await success.successVectors()),
    ...(await header.headerVectors()),
    ...(await body.bodyVectors()),
    ...(await carrier.carrierVectors()),
  ]
}

// node generate.ts [--keys]: writes vectors/ anew; --keys draws other identities and envelopes first.
if (import.meta.main) {
  if (process.argv.includes('--keys')) await drawKeys()
  const vectors = await allVectors()
  await rm(FOLDER, { recursive: true, force: true })
  await mkdir(FOLDER, { recursive: true })
  for (const vector of vectors) await writeFile(new URL(vector.name, FOLDER), formatVector(vector))
  process.stdout.write(
    `${vectors.length} vectors, ${vectors.reduce((sum, vector) => sum + formatVector(vector).length, 0)} bytes\n`,
  )
}
