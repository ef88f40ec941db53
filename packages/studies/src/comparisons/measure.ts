import { type Image, type ImageCipher, LatentError, sha256Of } from '@latent/core'
import { asPicture, type ImageRow, type LabTest, measureImage, median, TESTS } from '@latent/lab'
import { findScheme, openScheme, type OpenScheme, schemes } from '@latent/schemes'
import type { NamedImage } from '../study.ts'

/** What the tables show of one system, as means over the pictures; absent where it was not measured. */
export interface Measured {
  readonly exact: boolean
  /** In dB, over pictures that did not come back exactly. */
  readonly psnr?: number
  readonly ssim?: number
  readonly entropy?: number
  readonly correlation?: readonly [horizontal: number, vertical: number, diagonal: number]
  /** Of one changed sample, as shares. */
  readonly npcr?: number
  readonly uaci?: number
  readonly keyBits?: number
  /** Medians, in milliseconds a picture, of the clock that was given. */
  readonly encryptMs: number
  readonly decryptMs?: number
  /** The picture of most contrast; a cipher image of another shape is drawn in the picture's. */
  readonly shown: { readonly plain: Image<'u8'>; readonly cipher: Image<'u8'>; readonly decrypted?: Image<'u8'> }
}

const WANTED = [
  'entropy',
  'correlation-horizontal',
  'correlation-vertical',
  'correlation-diagonal',
  'pixel-npcr',
  'pixel-uaci',
] as const
const WANTED_TESTS: readonly LabTest[] = TESTS.filter(({ id }) => (WANTED as readonly string[]).includes(id))

/** Whether a system of a comparison can be run here. */
export const isRegistered = (id: string): boolean => schemes.some(scheme => scheme.id === id)

/** One system on every picture, each under a key of its own. @param clock in milliseconds */
export async function measureSystem(
  id: string,
  pictures: readonly NamedImage[],
  seed: number,
  clock: () => number = () => performance.now(),
): Promise<Measured> {
  const { keySpace, reversible } = findScheme(id)
  const { cipher, close } = await openScheme(id)
  try {
    const measured = reversible ? cipher : hidingOf(cipher)
    const rows: ImageRow[] = []
    const times: Timed[] = []
    for (const { id: imageId, image } of pictures) {
      const key = sha256Of(new TextEncoder().encode(`${imageId}, seed ${seed}`))
      rows.push(await measureImage(measured, image, { imageId, seed, tests: WANTED_TESTS }))
      times.push(await timed({ cipher, reversible, clock }, image, key))
    }
    const of = (test: (typeof WANTED)[number]) => mean(rows.flatMap(row => row.tests[test]?.value ?? []))
    const directions = (['horizontal', 'vertical', 'diagonal'] as const).map(name => of(`correlation-${name}`))
    const at = mostContrast(pictures)
    const { image: plain } = pictures[at]!
    const { hidden, back } = times[at]!
    const restored = reversible ? rows : []
    const lossy = restored.filter(({ quality }) => !quality.exact)
    return {
      exact: restored.length > 0 && lossy.length === 0,
      ...defined({
        psnr: mean(lossy.flatMap(({ quality }) => quality.psnr ?? [])),
        ssim: mean(restored.flatMap(({ quality }) => quality.ssim ?? [])),
        entropy: of('entropy'),
        npcr: of('pixel-npcr'),
        uaci: of('pixel-uaci'),
        keyBits: keySpace?.bits,
        decryptMs: reversible ? median(times.map(({ decrypt }) => decrypt!)) : undefined,
      }),
      ...(directions.every(value => value !== undefined) && { correlation: directions as [number, number, number] }),
      encryptMs: median(times.map(({ encrypt }) => encrypt)),
      shown: { plain, cipher: asPicture(hidden, plain), ...(back && { decrypted: asPicture(back, plain) }) },
    }
  } catch (error) {
    throw error instanceof LatentError
      ? error
      : new LatentError('E_INTERNAL', `${id} could not be measured`, { cause: error })
  } finally {
    await close()
  }
}

/** A cipher that nobody decrypts, for what is measured of cipher images alone: what it restores means nothing. */
const hidingOf = (cipher: ImageCipher): ImageCipher => ({
  id: cipher.id,
  title: cipher.title,
  traits: cipher.traits,
  encrypt: (plain, key, options) => cipher.encrypt(plain, key, options),
  decrypt: hidden => Promise.resolve(hidden),
})

/** Which picture shows best what a cipher leaves of it. */
function mostContrast(pictures: readonly NamedImage[]): number {
  const variances = pictures.map(({ image: { data } }) => {
    const average = data.reduce((sum, value) => sum + value, 0) / data.length
    return data.reduce((sum, value) => sum + (value - average) ** 2, 0) / data.length
  })
  return variances.indexOf(Math.max(...variances))
}

/** One picture there and back, with the milliseconds of both. */
interface Timed {
  readonly hidden: Image
  readonly encrypt: number
  readonly back?: Image
  readonly decrypt?: number
}

async function timed(
  { cipher, reversible, clock }: Pick<OpenScheme, 'cipher'> & { reversible: boolean; clock: () => number },
  image: Image,
  key: Uint8Array,
): Promise<Timed> {
  const started = clock()
  const hidden = await cipher.encrypt(image, key)
  const encrypt = clock() - started
  if (!reversible) return { hidden, encrypt }
  const again = clock()
  const back = await cipher.decrypt(hidden, key)
  return { hidden, encrypt, back, decrypt: clock() - again }
}

const mean = (values: readonly number[]): number | undefined =>
  values.length === 0 ? undefined : values.reduce((sum, value) => sum + value, 0) / values.length

/** Without what is undefined. */
const defined = <T extends object>(fields: T): { [K in keyof T]?: Exclude<T[K], undefined> } =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as never
