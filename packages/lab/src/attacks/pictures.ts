import { type Image, image } from '@latent/core'
import { drawDigit, drawPicture, PROCEDURAL_KINDS } from '@latent/data'
import type { Attack } from './contract.ts'

/** Pixels a side of the pictures under attack: what every scheme takes, and small enough for a thousand of them. */
export const ATTACKED_SIDE = 32

const SCENE = 64
const STEP = 8
const PER_SCENE = Math.floor((SCENE - ATTACKED_SIDE) / STEP + 1) ** 2

/** A picture and its class: of a digit the digit, of a scene its kind. */
export interface Labelled {
  readonly plain: Image<'u8'>
  readonly label: number
}

/** Drawn once a process: every attack on every scheme has the same. */
function remembered<T>(): (name: string, make: () => Promise<T>) => Promise<T> {
  const known = new Map<string, Promise<T>>()
  return (name, make) => {
    const made = known.get(name) ?? make()
    known.set(name, made)
    return made
  }
}
const scenes = remembered<Image<'u8'>>()
const drawn = remembered<Labelled>()
const scene = (kind: number, variant: number): Promise<Image<'u8'>> =>
  scenes(`${kind}/${variant}`, () => drawPicture(PROCEDURAL_KINDS[kind]!, SCENE, SCENE, variant))

/** Gradients show next to nothing, and two weaves are alike. */
const KINDS = PROCEDURAL_KINDS.map((kind, i) => [kind, i] as const).flatMap(([kind, i]) =>
  kind === 'gradient' || kind === 'weave' ? [] : [i],
)

/**
 * RGB pictures of 32 x 32 pixels that are ours, all different: crops of drawn scenes, or drawn digits in white on
 * black. The same arguments give the same pictures.
 * @param group pictures of different groups come from different scenes and hands
 */
export async function attackPictures(
  kind: Attack['pictures'],
  group: 'targets' | 'kin' | 'others',
  count: number,
): Promise<Labelled[]> {
  const base = { targets: 7000, kin: 8000, others: 9000 }[group]
  return Promise.all(
    Array.from({ length: count }, (_, n) =>
      drawn(`${kind}/${group}/${n}`, () => (kind === 'digits' ? digit(n, base) : cropOf(n, base, group))),
    ),
  )
}

async function digit(n: number, base: number): Promise<Labelled> {
  const label = n % 10
  const drawn = await drawDigit(label, base + Math.floor(n / 10))
  const margin = (ATTACKED_SIDE - drawn.width) / 2
  const data = new Uint8Array(ATTACKED_SIDE ** 2 * 3)
  for (let i = 0; i < drawn.data.length; i++) {
    const at = (margin + Math.floor(i / drawn.width)) * ATTACKED_SIDE + margin + (i % drawn.width)
    data.fill(drawn.data[i]!, 3 * at, 3 * at + 3)
  }
  return { plain: picture(data), label }
}

async function cropOf(n: number, base: number, group: string): Promise<Labelled> {
  const label = KINDS[n % KINDS.length]!
  const round = Math.floor(n / KINDS.length)
  // Targets are from a scene each; the others may be parts of one scene, since there are many of them.
  const [variant, part] = group === 'targets' ? [round, 7 * n + 3] : [Math.floor(round / PER_SCENE), round]
  const from = await scene(label, base + variant)
  const across = Math.sqrt(PER_SCENE)
  const [left, top] = [STEP * (part % across), STEP * (Math.floor(part / across) % across)]
  return {
    label,
    plain: picture(
      Uint8Array.from(
        { length: ATTACKED_SIDE ** 2 * 3 },
        (_, i) =>
          from.data[
            ((top + Math.floor(i / (3 * ATTACKED_SIDE))) * SCENE + left + (Math.floor(i / 3) % ATTACKED_SIDE)) * 3 +
              (i % 3)
          ]!,
      ),
    ),
  }
}

const picture = (data: Uint8Array): Image<'u8'> =>
  image({ width: ATTACKED_SIDE, height: ATTACKED_SIDE, channels: 3, format: 'u8', data })
