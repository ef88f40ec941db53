import type { SchemeSummary } from './summary.ts'
import type { Visible } from '../statistics/power.ts'
import { DIFFUSION, type TestCard, type Topic, TESTS } from '../tests/index.ts'

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

/** Every claim that the tests of the lab allow about one scheme. */
export const claims = (result: SchemeSummary): Claim[] => claimsFrom(result, TESTS)

/** Every claim about one scheme, from its summary and the tests that its run was given. */
export function claimsFrom(result: SchemeSummary, tests: readonly TestCard[]): Claim[] {
  const images = counted(result)
  const wire = result.wire.join(', ') || 'unknown'
  // Tests of one's own may share a topic of the lab's; they come back from JSON as another object.
  const topics = new Map(tests.toReversed().map(({ claim }) => [claim.topic, claim]))
  const order = [...new Set(tests.map(({ claim }) => claim.topic))]
  return [
    recovery(result, images, wire),
    ...order.map(topic =>
      fromTests(
        result,
        tests.filter(({ claim }) => claim.topic === topic),
        topics.get(topic)!,
        images,
      ),
    ),
    keySpace(result),
    {
      topic: 'Security',
      standing: 'not measured',
      say: 'Statistics cannot show that a cipher is secure; they can only show that it is not.',
      never: `${result.id} is secure, unbreakable, or as strong as AES`,
    },
  ]
}

function recovery(
  { exactShare, measurements, psnr, wires, maxError, contradicted }: SchemeSummary,
  counted: string,
  wire: string,
): Claim {
  const topic = 'Recovery'
  if (exactShare === undefined)
    return {
      topic,
      standing: 'not measured',
      say: 'Nothing was recovered, because nothing was measured.',
      never: 'lossless',
    }
  const narrower = wires
    .map(
      ({ format, exactShare, psnr }) =>
        ` Through a ${format} cipher: ${exactShare === 1 ? 'bit for bit' : `${psnr?.mean.toFixed(1) ?? '?'} dB`}.`,
    )
    .join('')
  if (exactShare === 1)
    return {
      topic,
      standing: 'not contradicted',
      say: `All of ${counted} came back bit for bit through a ${wire} cipher.${narrower}`,
      never: 'a finite PSNR stands for exactness, or exactness survives recompression',
    }
  const level = psnr
    ? `${psnr.mean.toFixed(1)} dB on average (${psnr.low.toFixed(1)} to ${psnr.high.toFixed(1)})`
    : 'with loss'
  return {
    topic,
    standing: contradicted.includes('exact') ? 'contradicted' : 'not contradicted',
    say:
      `${Math.round((1 - exactShare) * measurements)} of ${counted} came back ${level}, largest error ` +
      `${maxError}, through a ${wire} cipher.${narrower}`,
    never: 'lossless, or visually lossless, without naming the wire format',
  }
}

function fromTests(result: SchemeSummary, tests: readonly TestCard[], claim: Topic, images: string): Claim {
  const { topic } = claim
  const { say, never } = (result.traits.randomised && claim.randomised) || claim
  const found = tests.flatMap(({ id, failure }) => (result.tests[id] ? [{ failure, ...result.tests[id] }] : []))
  const failing = found.filter(({ verdict }) => verdict === 'fails')
  if (failing.length > 0) {
    const sentence = [...new Set(failing.map(({ failure }) => failure))].join('; ')
    const limit = topic === DIFFUSION.topic ? tileLimit(result) : ''
    return { topic, standing: 'contradicted', say: `${sentence[0]!.toUpperCase()}${sentence.slice(1)}.${limit}`, never }
  }
  if (found.length === 0)
    return {
      topic,
      standing: 'not measured',
      say: 'Not measured: the images were too small or too flat, or the cipher has another shape.',
      never,
    }
  const wrongKey = result.wrongKey === 'refused' ? 'was refused' : 'an unrelated picture'
  return {
    topic,
    standing: 'not contradicted',
    say: `${say.replaceAll('{images}', images).replaceAll('{wrong key}', wrongKey)}${smallestEffects(found)}`,
    never,
  }
}

/** A cipher that cuts large pictures says so itself: a change that stays in its piece is no discovery. */
function tileLimit({ traits: { tileBytes }, plainShapes }: SchemeSummary): string {
  if (tileBytes === undefined) return ''
  const larger = plainShapes.filter(shape => bytesOfShape(shape) > tileBytes).length
  if (larger === 0) return ''
  const some = larger === plainShapes.length ? 'All' : `${larger} of ${plainShapes.length}`
  return (
    ` ${some} of the picture sizes here are larger than one tile of ` +
    `${tileBytes.toLocaleString('en')} bytes, and this cipher mixes a tile at a time: that a change ` +
    'stays in its tile is its documented limit, and pictures of one tile tell whether it spreads ' +
    'there.'
  )
}

/** Of a shape such as `481x321x3 u8`. */
function bytesOfShape(shape: string): number {
  const [sides = '', format] = shape.split(' ')
  const width = { u8: 1, u16: 2 }[format ?? ''] ?? 4
  return sides.split('x').reduce((product, side) => product * Number(side), width)
}

/** Such as `6 images, 8 keys each`. */
export function counted({
  images,
  measurements = images,
}: Pick<SchemeSummary, 'images'> & { readonly measurements?: number }): string {
  const pictures = `${images} image${images === 1 ? '' : 's'}`
  const keys = Math.round(measurements / Math.max(1, images))
  return keys > 1 ? `${pictures}, ${keys} keys each` : pictures
}

/** An effect as a number with its unit. */
export function effectText({ effect, unit }: Visible): string {
  const rounded = Number.isInteger(effect) ? String(effect) : effect >= 100 ? effect.toFixed(1) : effect.toPrecision(2)
  return `${rounded} ${unit}`
}

/** What the tests behind a claim would have seen, nine times in ten. */
function smallestEffects(found: readonly { readonly visible?: Visible }[]): string {
  const effects = [...new Set(found.flatMap(({ visible }) => (visible ? [effectText(visible)] : [])))]
  return effects.length === 0 ? '' : ` The smallest effect that this run would have seen: ${effects.join('; ')}.`
}

function keySpace({ keySpace, traits }: SchemeSummary): Claim {
  const topic = 'Key space'
  const never = '"256-bit key" means 256-bit security'
  if (traits.secret === 'none') return { topic, standing: 'as stated', say: 'There is no key.', never }
  if (!keySpace)
    return {
      topic,
      standing: 'not measured',
      say:
        `The secret lies in ${traits.secret === 'weights' ? 'the weights' : `a ${traits.secret}`}; its ` +
        'degrees of freedom were not stated.',
      never,
    }
  return { topic, standing: 'as stated', say: `At most ${keySpaceBits(keySpace.bits)}. ${keySpace.note}`, never }
}

/** Infinite for a one-time pad, and null where it went through JSON. */
export const keySpaceBits = (bits: number | null): string =>
  bits !== null && Number.isFinite(bits) ? `${bits} bits` : 'as many bits as the image has'
