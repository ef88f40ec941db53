import type { SchemeSummary } from './summary.ts'
import { TESTS, type TestId } from './tests.ts'

/**
 * The claims matrix: which sentence a result allows, and which it does not. Reports, tables and the
 * documents take their wording from here, so that no page says more than was measured.
 */
export interface Claim {
  readonly topic: string
  /** A test can contradict a claim and never support one. What a scheme says of its key is told as it stands. */
  readonly standing: 'not contradicted' | 'contradicted' | 'not measured' | 'as stated'
  /** What may be said of this result. */
  readonly say: string
  /** What it is often said to show, and does not. */
  readonly never: string
}

const UNIFORM: readonly TestId[] = ['histogram', 'entropy', 'local-entropy']
const NEIGHBOURS: readonly TestId[] = ['correlation-horizontal', 'correlation-vertical', 'correlation-diagonal', 'correlation-antidiagonal', 'gvd']
const HIDING: readonly TestId[] = ['plain-correlation', 'plain-distance']
const PIXEL: readonly TestId[] = ['pixel-npcr', 'pixel-uaci', 'pixel-avalanche']
const KEY: readonly TestId[] = ['key-npcr', 'key-uaci', 'key-avalanche', 'wrong-key-correlation', 'wrong-key-distance']

/** Every claim about one scheme, from its summary. */
export function claims(result: SchemeSummary): Claim[] {
  const images = `${result.images} image${result.images === 1 ? '' : 's'}`
  const wire = result.wire.join(', ') || 'unknown'
  return [
    recovery(result, images, wire),
    fromTests(result, UNIFORM, 'Uniform cipher', `No deviation from uniform bytes was found in the ciphers of ${images}.`, 'a flat histogram or an entropy near 8 makes a cipher secure (a reused mask has both)'),
    fromTests(result, NEIGHBOURS, 'Unrelated neighbours', `No relation of neighbouring cipher samples was found over ${images}.`, 'low correlation makes a cipher secure (a pixel permutation has it)'),
    fromTests(result, HIDING, 'Cipher unlike its plain', `No linear relation of cipher and plain image was found over ${images}.`, 'the plain image cannot be recovered'),
    fromTests(
      result,
      PIXEL,
      'Diffusion',
      result.traits.randomised ? `Two ciphers of nearly equal images differ as random ones do, because every encryption draws a fresh nonce (${images}).` : `One changed sample changed the whole cipher as a random one would, over ${images}.`,
      result.traits.randomised ? 'a changed pixel spreads through the cipher: with one nonce it need not' : 'the scheme resists differential or chosen-plaintext attacks',
    ),
    fromTests(result, KEY, 'Key sensitivity', `One changed key bit gave an unrelated cipher, and ${result.wrongKey === 'refused' ? 'was refused at decryption' : 'an unrelated picture at decryption'}, over ${images}.`, 'every key bit counts towards security'),
    fromTests(result, ['mask-reuse'], 'Second use of a key', `A known pair, a picture of noise and its cipher, opened no other image by XOR, over ${images}.`, 'known or chosen plaintexts do not help: one attack was tried'),
    keySpace(result),
    {
      topic: 'Security',
      standing: 'not measured',
      say: 'Statistics cannot show that a cipher is secure; they can only show that it is not.',
      never: `${result.id} is secure, unbreakable, or as strong as AES`,
    },
  ]
}

function recovery({ exactShare, images, psnr, wires, maxError, contradicted }: SchemeSummary, counted: string, wire: string): Claim {
  const topic = 'Recovery'
  if (exactShare === undefined) return { topic, standing: 'not measured', say: 'Nothing was recovered, because nothing was measured.', never: 'lossless' }
  const narrower = wires.map(({ format, exactShare, psnr }) => ` Through a ${format} cipher: ${exactShare === 1 ? 'bit for bit' : `${psnr?.mean.toFixed(1) ?? '?'} dB`}.`).join('')
  if (exactShare === 1) return { topic, standing: 'not contradicted', say: `All of ${counted} came back bit for bit through a ${wire} cipher.${narrower}`, never: 'a finite PSNR stands for exactness, or exactness survives recompression' }
  const level = psnr ? `${psnr.mean.toFixed(1)} dB on average (${psnr.low.toFixed(1)} to ${psnr.high.toFixed(1)})` : 'with loss'
  return {
    topic,
    standing: contradicted.includes('exact') ? 'contradicted' : 'not contradicted',
    say: `${Math.round((1 - exactShare) * images)} of ${counted} came back ${level}, largest error ${maxError}, through a ${wire} cipher.${narrower}`,
    never: 'lossless, or visually lossless, without naming the wire format',
  }
}

function fromTests(result: SchemeSummary, ids: readonly TestId[], topic: string, nothingFound: string, never: string): Claim {
  const found = ids.flatMap(id => (result.tests[id] ? [{ id, ...result.tests[id] }] : []))
  const failing = found.filter(({ verdict }) => verdict === 'fails')
  if (failing.length > 0) {
    const reasons = [...new Set(failing.map(({ id }) => TESTS[id].failure))]
    const sentence = reasons.join('; ')
    return { topic, standing: 'contradicted', say: `${sentence[0]!.toUpperCase()}${sentence.slice(1)}.`, never }
  }
  if (found.length === 0) return { topic, standing: 'not measured', say: 'Not measured: the images were too small or too flat, or the cipher has another shape.', never }
  return { topic, standing: 'not contradicted', say: nothingFound, never }
}

function keySpace({ keySpace, traits }: SchemeSummary): Claim {
  const topic = 'Key space'
  const never = '"256-bit key" means 256-bit security'
  if (traits.secret === 'none') return { topic, standing: 'as stated', say: 'There is no key.', never }
  if (!keySpace) return { topic, standing: 'not measured', say: `The secret lies in ${traits.secret === 'weights' ? 'the weights' : `a ${traits.secret}`}; its degrees of freedom were not stated.`, never }
  return { topic, standing: 'as stated', say: `At most ${keySpaceBits(keySpace.bits)}. ${keySpace.note}`, never }
}

/** Infinite for a one-time pad, and null where it went through JSON. */
export const keySpaceBits = (bits: number | null): string => (bits !== null && Number.isFinite(bits) ? `${bits} bits` : 'as many bits as the image has')
