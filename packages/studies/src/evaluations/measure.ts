import { sha256Of } from '@latent/core'
import { byteView, histogram, type ImageRow, measureImage, median, TESTS } from '@latent/lab'
import { findScheme, openScheme } from '@latent/schemes'
import type { NamedImage } from '../study.ts'

const WANTED = [
  'entropy',
  'histogram',
  'correlation-horizontal',
  'correlation-vertical',
  'correlation-diagonal',
  'pixel-npcr',
  'pixel-uaci',
  'key-npcr',
]
const TIMED = 3

/** Everything that the evaluations ask of one cipher on some pictures. */
export interface Evaluated {
  readonly id: string
  readonly rows: readonly ImageRow[]
  /** Medians over pictures and runs, in milliseconds; networks and what is around them. */
  readonly times: { readonly encrypt: number; readonly decrypt: number }
  /** Bytes of all plain pictures, and of all cipher images. */
  readonly counts: { readonly plain: Uint32Array; readonly cipher: Uint32Array }
  readonly keyBits?: number
  readonly parameters?: number
}

/** One cipher on every picture, each under a key of its own. */
export async function evaluate(id: string, pictures: readonly NamedImage[], seed: number): Promise<Evaluated> {
  const { cipher, close } = await openScheme(id)
  const tests = TESTS.filter(test => WANTED.includes(test.id))
  const counts = { plain: new Uint32Array(256), cipher: new Uint32Array(256) }
  const [encrypt, decrypt]: [number[], number[]] = [[], []]
  const rows: ImageRow[] = []
  try {
    for (const { id: imageId, image } of pictures) {
      rows.push(await measureImage(cipher, image, { imageId, seed, tests }))
      const key = sha256Of(new TextEncoder().encode(`${imageId}, seed ${seed}`))
      for (let run = 0; run < TIMED; run++) {
        const started = performance.now()
        const hidden = await cipher.encrypt(image, key)
        const between = performance.now()
        await cipher.decrypt(hidden, key)
        encrypt.push(between - started)
        decrypt.push(performance.now() - between)
        if (run > 0) continue
        for (const [name, picture] of [
          ['plain', image],
          ['cipher', hidden],
        ] as const)
          for (const [value, count] of histogram(byteView(picture)).entries()) counts[name][value]! += count
      }
    }
    const { keySpace } = findScheme(id)
    return {
      id,
      rows,
      times: { encrypt: median(encrypt), decrypt: median(decrypt) },
      counts,
      ...(keySpace && { keyBits: keySpace.bits }),
      ...(cipher.cost && { parameters: cipher.cost(pictures[0]!.image).parameters }),
    }
  } finally {
    await close()
  }
}

/** Mean of a test over the pictures, if it applied to any. */
export function meanOf({ rows }: Evaluated, test: string): number | undefined {
  const values = rows.flatMap(row => row.tests[test]?.value ?? [])
  return values.length === 0 ? undefined : values.reduce((sum, value) => sum + value, 0) / values.length
}
