import { type CipherOptions, type Image, type ImageCipher, type SampleFormat, sha256Of, toHex } from '@latent/core'
import { encodeEvidence } from '../evidence/index.ts'
import {
  disturb,
  DISTURBANCES,
  type JpegRoundTrip,
  type NullTest,
  type Quality,
  quality,
  sameShape,
  sampleErrors,
  shapeName,
  trail,
} from '../metrics/index.ts'
import { type LabTest, resultOf } from '../tests/define.ts'
import { type TestId, TESTS } from '../tests/index.ts'
import { attempt, runTrial, type Trial } from '../tests/trial.ts'
import type { ImageRow, QualityRow, RobustnessRow } from './rows.ts'

/** Of which picture, under which keys, and how much is measured. */
export interface MeasureOptions {
  readonly imageId: string
  readonly seed: number
  /** What is tested: the tests of the lab by default. */
  readonly tests?: readonly LabTest[]
  /** Also disturb the cipher and decrypt, some sixteen decryptions more. */
  readonly robustness?: boolean
  readonly jpeg?: JpegRoundTrip
}

/** Tests that rest on the normal distribution are not applied to fewer bytes. */
const MINIMUM_BYTES = 256

/**
 * Puts one image through one cipher and measures everything that a report shows of it: see {@link runTrial}.
 * @throws whatever the cipher throws on its own key: the caller records it as a failure; E_SCRIPT for a test that gives
 * no numbers
 */
export async function measureImage(
  cipher: ImageCipher,
  plain: Image,
  { imageId, seed, tests = TESTS, robustness = false, jpeg }: MeasureOptions,
): Promise<ImageRow> {
  const before = fingerprint(plain)
  const trial = await runTrial(cipher, plain, imageId, seed)
  const { cipher: encrypted, decrypted, bytes, key, options, wrongKey: wrong } = trial
  const restored = quality(plain, decrypted)
  const again = await cipher.encrypt(plain, key)
  const onceMore = cipher.traits.randomised ? await cipher.encrypt(plain, key) : encrypted
  return {
    kind: 'image',
    scheme: cipher.id,
    image: imageId,
    seed,
    plain: shapeName(plain),
    cipher: shapeName(encrypted),
    wire: encrypted.format,
    tests: bytes.length < MINIMUM_BYTES ? {} : await results(tests, trial),
    evidence: encodeEvidence(trial.evidence),
    quality: qualityRow(restored),
    ...(encrypted.format === 'f32' ? { wires: await throughWires(cipher, plain, key, options) } : {}),
    wrongKey: wrong ? wrongKey(plain, wrong) : 'refused',
    observed: {
      exact: restored.exact,
      lengthPreserving: trial.alike,
      randomised: fingerprint(again) !== fingerprint(onceMore),
      argumentsUntouched: fingerprint(plain) === before,
    },
    expansion: (bytesOf(encrypted) + annotationBytes(encrypted)) / bytesOf(plain),
    ...(robustness ? await damage(cipher, plain, encrypted, decrypted, key, await trial.draw('damage', 32), jpeg) : {}),
  }
}

async function results(tests: readonly LabTest[], trial: Trial): Promise<Readonly<Record<TestId, NullTest>>> {
  const found: Record<TestId, NullTest> = {}
  for (const test of tests) {
    const result = await resultOf(test, trial)
    if (result) found[test.id] = result
  }
  return found
}

/**
 * [Note: What "100 dB" can mean] A float cipher is not what travels as a picture. Its recovery is told for
 * every format in which the scheme says that it may travel.
 */
async function throughWires(
  cipher: ImageCipher,
  plain: Image,
  key: Uint8Array,
  options: CipherOptions,
): Promise<Partial<Record<SampleFormat, QualityRow>>> {
  const wires: Partial<Record<SampleFormat, QualityRow>> = {}
  for (const format of cipher.traits.wire) {
    if (format === 'f32') continue
    const result = await attempt(async () =>
      cipher.decrypt(await cipher.encrypt(plain, key, { ...options, wire: format }), key),
    )
    if (result && sameShape(result, plain)) wires[format] = qualityRow(quality(plain, result, 'one'))
  }
  return wires
}

async function damage(
  cipher: ImageCipher,
  plain: Image,
  encrypted: Image,
  decrypted: Image,
  key: Uint8Array,
  seed: Uint8Array,
  jpeg?: JpegRoundTrip,
): Promise<Pick<ImageRow, 'robustness' | 'trail'>> {
  const curves: RobustnessRow[] = []
  for (const { kind, strength } of DISTURBANCES) {
    const disturbed = await disturb(encrypted, { kind, strength }, seed, jpeg)
    if (!disturbed) continue
    const result = await attempt(() => cipher.decrypt(disturbed, key))
    curves.push(
      result && sameShape(result, plain)
        ? { kind, strength, quality: qualityRow(quality(plain, result, 'one')) }
        : { kind, strength },
    )
  }
  const data = encrypted.data.slice()
  const middle = data.length >> 1
  data[middle] = encrypted.format === 'f32' ? 1 - data[middle]! : data[middle]! ^ 1
  const wounded = await attempt(() => cipher.decrypt({ ...encrypted, data }, key))
  return { robustness: curves, trail: wounded && sameShape(wounded, decrypted) ? trail(decrypted, wounded) : 'refused' }
}

const bytesOf = ({ data }: Image): number => data.byteLength
const annotationBytes = ({ annotations = {} }: Image): number =>
  Object.entries(annotations).reduce((sum, [name, text]) => sum + name.length + text.length, 0)

function fingerprint({ data }: Image): string {
  return toHex(sha256Of(new Uint8Array(data.buffer, data.byteOffset, data.byteLength)))
}

/** Quality as a row keeps it: JSON has neither infinity nor absent figures, so both are null. */
export function qualityRow({ exact, psnr, maxError, differing, ssim, msSsim }: Quality): QualityRow {
  return { exact, psnr: exact ? null : psnr, maxError, differing, ssim: ssim ?? null, msSsim: msSsim ?? null }
}

function wrongKey(plain: Image, wrong: Image): 'exact' | { psnr: number } {
  if (!sameShape(plain, wrong)) return { psnr: 0 }
  const { exact, psnr } = sampleErrors(plain, wrong)
  return exact ? 'exact' : { psnr }
}
