import { percent } from '../numbers.ts'
import { deriveKey, type Image, type ImageCipher, sha256Of, repeatably } from '@latent/core'
import { findScheme, openScheme } from '@latent/schemes'
import { vortexBijective, vortexPublished } from '@latent/schemes/vortex'
import { drawPicture } from '@latent/data'
import {
  correlationTest,
  differential,
  findAttack,
  type Found,
  mean,
  type Mounted,
  mountAttack,
  quality,
  type Subject,
} from '@latent/lab'
import { contactSheet, enlarged } from '../pictures.ts'
import type { StudyContext, StudySection } from '../study.ts'

const STRENGTH = 0.1
const SHOWN_SIDE = 64
const KEYS = 20
/** Keys that are attacked, and pictures opened under each. */
const ATTACKED = 5
const SECRETS = 3
/** Pairs that the attack on known ones may have. */
const PAIRS = 12

interface Contender {
  readonly id: string
  readonly title: string
  readonly cipher: ImageCipher
  /** What is seen depends on the key, so that pictures take turns among several; attacks have the first. */
  readonly keys: readonly Uint8Array[]
  /** Another key for each of them. */
  readonly wrong: readonly Uint8Array[]
}

/** Ciphers that only move pixels, and the two controls, all as CIFAR-10's pictures have them. */
async function contenders({
  seed,
  file,
}: StudyContext): Promise<{ readonly list: readonly Contender[]; readonly close: () => Promise<void> }> {
  const keys = await Promise.all(
    Array.from({ length: KEYS }, (_, i) =>
      deriveKey(new TextEncoder().encode(`vortex study, seed ${seed}, key ${i}`), 'latent/v1/lab/study'),
    ),
  )
  const wrong = keys.map(key => key.with(31, key[31]! ^ 1))
  const text = await file('vortex-keys/cifar.json')
  const registered = await Promise.all(
    (['identity', 'fixed-permutation', 'aes-256-ctr'] as const).map(async id => ({ id, ...(await openScheme(id)) })),
  )
  const [identity, permutation, aes] = registered.map(({ id, cipher }): Contender => ({
    id,
    title: {
      identity: 'the pictures themselves (control)',
      'fixed-permutation': 'one permutation of all pixels',
      'aes-256-ctr': 'AES-256-CTR (control)',
    }[id],
    cipher,
    keys,
    wrong,
  }))
  return {
    list: [
      identity!,
      // Another key of the same set of files: there is no bit of a list of vortices to flip.
      {
        id: 'published',
        title: 'vortex, published key (2)',
        cipher: vortexPublished(),
        keys: [text],
        wrong: [keys[0]!],
      },
      ...[1, 5, 20].map(count => ({
        id: `vortex-${count}`,
        title: `vortex, drawn key (${count})`,
        cipher: vortexPublished({ count, strength: STRENGTH }),
        keys,
        wrong,
      })),
      {
        id: 'bijective',
        title: 'vortex, bijective variant (5)',
        cipher: vortexBijective({ count: 5, strength: STRENGTH }),
        keys,
        wrong,
      },
      permutation!,
      aes!,
    ],
    close: async () => void (await Promise.all(registered.map(({ close }) => close()))),
  }
}

const encrypted = async ({ cipher, keys }: Contender, plain: Image<'u8'>, turn = 0): Promise<Image<'u8'>> =>
  (await cipher.encrypt(plain, keys[turn % keys.length]!, repeatably(cipher, nonceOf(plain, turn)))) as Image<'u8'>
/** Of the picture's content, so that a run can be repeated and no two pictures share one. */
const nonceOf = ({ data }: Image<'u8'>, turn: number): Uint8Array =>
  sha256Of(Uint8Array.of(turn, ...sha256Of(data))).subarray(0, 16)
const same = (a: Image, b: Image): number => mean(Array.from(a.data, (value, i) => (value === b.data[i] ? 1 : 0)))

/** What one sees without breaking anything, and what a chosen or a few known pictures give. */
export async function breaking(context: StudyContext): Promise<StudySection[]> {
  const plain = (await context.images('cifar10/test', context.quick ? 6 : 100)).map(({ image }) => image)
  const { list, close } = await contenders(context)
  try {
    const seen: (string | number)[][] = []
    const opened: (string | number)[][] = []
    for (const contender of list) {
      seen.push([contender.title, ...(await atAGlance(contender, plain))])
      opened.push([contender.title, ...(await attacked(contender, plain))])
    }
    return [
      {
        heading: 'What is seen without an attack',
        text: [
          `Over ${plain.length} test pictures of CIFAR-10, under ${KEYS} keys in turn. Structural ` +
            'similarity (SSIM) is to the plain picture; correlation is that of horizontal neighbours, ' +
            'channels averaged; NPCR is the share of samples that change with one changed sample of ' +
            'the plain picture (with ideal diffusion: 99.6 %; AES has a fresh nonce for every picture, ' +
            'which changes all of them and is no diffusion). The last column is what another key gives ' +
            'back: of the 32 bytes one bit differs; for the published key it is a drawn one of five ' +
            'vortices. Values never change under any cipher that only moves pixels, so that histogram ' +
            'and entropy stay those of the picture, but for what is destroyed.',
        ],
        tables: [
          {
            columns: ['pictures', 'SSIM', 'neighbour correlation', 'samples unchanged', 'NPCR', 'another key decrypts'],
            rows: seen,
          },
        ],
      },
      {
        heading: 'What opens it',
        text: [
          'Chosen pictures: one RGB picture whose red is the row and whose green is the column comes ' +
            'back as the coordinate map, whatever the number of vortices. Known pictures: a pixel can ' +
            'only have come from where its value stood in every pair; the count is that of pairs after ' +
            'which every pixel has one possible source, or the share that has after all pairs tried. ' +
            `Both under ${ATTACKED} keys (the published one is a single one): the most pictures that ` +
            `any of them took, and the mean over ${SECRETS} pictures each that the attack has not ` +
            'seen. Opened means samples equal to the plain ones; of a lossy variant, those that were ' +
            'destroyed are guessed from the nearest.',
          'The key space is therefore not that of the 32 bytes or of the list of vortices: the ' +
            'coordinate map is an equivalent key, and asking once gives it.',
        ],
        tables: [{ columns: ['pictures', 'chosen pictures', 'opened', 'known pairs', 'opened'], rows: opened }],
        figures: [
          {
            name: 'pictures',
            caption:
              `A picture drawn by Latent, ${SHOWN_SIDE} x ${SHOWN_SIDE}: plain; vortices 1, 5 and 20; ` +
              'bijective; permuted; and the 20 vortices opened without the key. The published key fits ' +
              '32 x 32 alone.',
            image: contactSheet(
              (await gallery(list)).map(picture => enlarged(picture, 3)),
              7,
            ),
          },
        ],
      },
    ]
  } finally {
    await close()
  }
}

async function atAGlance(contender: Contender, plain: readonly Image<'u8'>[]): Promise<string[]> {
  const rows: Awaited<ReturnType<typeof glance>>[] = []
  for (const [turn, picture] of plain.entries()) rows.push(await glance(contender, picture, turn))
  const over = (value: (row: (typeof rows)[number]) => number) => mean(rows.map(value))
  return [
    over(({ ssim }) => ssim).toFixed(3),
    over(({ correlation }) => correlation).toFixed(3),
    percent(over(({ unchanged }) => unchanged)),
    percent(
      over(({ npcr }) => npcr),
      2,
    ),
    contender.id === 'identity' ? 'no key' : percent(over(({ wrong }) => wrong)),
  ]
}

async function glance(contender: Contender, picture: Image<'u8'>, turn: number) {
  const hidden = await encrypted(contender, picture, turn)
  const { width, height, channels } = hidden
  const centre = (Math.floor(height / 2) * width + Math.floor(width / 2)) * channels
  const changed = { ...picture, data: picture.data.with(centre, picture.data[centre]! ^ 128) }
  return {
    ssim: quality(picture, hidden, 'one').ssim!,
    correlation: mean(correlationTest(hidden.data, width, height, channels, 'horizontal')?.channels ?? [0]),
    unchanged: same(picture, hidden),
    npcr: differential(hidden.data, (await encrypted(contender, changed, turn)).data).npcr.value,
    wrong: same(picture, await contender.cipher.decrypt(hidden, contender.wrong[turn % contender.wrong.length]!)),
  }
}

async function attacked(contender: Contender, plain: readonly Image<'u8'>[]): Promise<string[]> {
  const [first] = plain as [Image<'u8'>]
  const secret = plain.slice(-SECRETS)
  const known = plain.slice(0, -SECRETS).slice(0, PAIRS)
  const pixels = first.width * first.height
  const found: {
    readonly chosen: Mounted
    readonly pairs: KnownMap | undefined
    readonly shares: readonly [number, number]
  }[] = []
  for (let turn = 0; turn < Math.min(ATTACKED, contender.keys.length); turn++) {
    const subject: Subject = {
      ...subjectOf(contender, first, turn),
      seen: await Promise.all(
        known.map(async picture => ({ plain: picture, cipher: await encrypted(contender, picture, turn) })),
      ),
    }
    const chosen = await mountAttack(findAttack('coordinate-map'), subject)
    const pairs = await fromPairs(subject, known.length, pixels)
    const hidden = await Promise.all(secret.map(picture => encrypted(contender, picture, turn)))
    const scored = async (open: Found['open']) => {
      if (!open) return 0
      const opened = await open(hidden)
      return mean(secret.map((picture, i) => same(picture, opened[i]!)))
    }
    found.push({ chosen, pairs, shares: [await scored(chosen.found?.open), await scored(pairs?.found.open)] })
  }
  const shares = [0, 1].map(i => percent(mean(found.map(({ shares }) => shares[i]!))))
  const certain = Math.min(...found.map(({ pairs }) => (pairs?.certain ?? 0) / pixels))
  const chosen = found.every(({ chosen }) => chosen.found)
    ? [String(Math.max(...found.map(({ chosen }) => chosen.queries))), shares[0]!]
    : [NO_MAP, 'nothing']
  if (!found.every(({ pairs }) => pairs)) return [...chosen, NO_MAP, 'nothing']
  return [
    ...chosen,
    certain === 1
      ? String(Math.max(...found.map(({ pairs }) => pairs!.used)))
      : `${known.length}: ${percent(certain)} certain`,
    shares[1]!,
  ]
}

const NO_MAP = 'does more than move pixels'

/** All contenders that are none of the registry are vortices. */
const subjectOf = (contender: Contender, { width, height, channels }: Image, turn: number): Subject => ({
  scheme: findScheme(contender.cipher.id),
  shape: { width, height, channels },
  encrypt: picture => encrypted(contender, picture as Image<'u8'>, turn),
})

interface KnownMap {
  readonly used: number
  readonly certain: number
  readonly found: Found
}

/** The fewest pairs that leave one source for every pixel, or all of them. */
async function fromPairs(subject: Subject, pairs: number, pixels: number): Promise<KnownMap | undefined> {
  for (let used = 1; used <= pairs; used++) {
    const { found } = await mountAttack(findAttack('known-map'), subject, used)
    if (!found) return undefined
    const certain = found.counted!['certain']!
    if (certain === pixels || used === pairs) return { used, certain, found }
  }
  return undefined
}

async function gallery(list: readonly Contender[]): Promise<Image<'u8'>[]> {
  const plain = await drawPicture('street', SHOWN_SIDE, SHOWN_SIDE, 3)
  const of = (id: string) => list.find(contender => contender.id === id)!
  const shown = ['vortex-1', 'vortex-5', 'vortex-20', 'bijective', 'fixed-permutation'].map(id =>
    encrypted(of(id), plain),
  )
  const twenty = of('vortex-20')
  const { found } = await mountAttack(findAttack('coordinate-map'), subjectOf(twenty, plain, 0))
  return [plain, ...(await Promise.all(shown)), ...((await found?.open?.([await encrypted(twenty, plain)])) ?? [])]
}
