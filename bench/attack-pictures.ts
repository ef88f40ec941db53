// Draws docs/lab/attacks/*.png (plain, cipher, what the attacker recovers) from pictures of our own, and prints the
// table of docs/lab/attacks.md. Options: the folder to write to.
import { deriveKey, type Image, image, KeyStream, repeatably } from '@latent/core'
import { encodePng } from '@latent/core/png'
import {
  advancedFeatureReconstruction,
  assembleBlocks,
  featureReconstruction,
  type KnownPair,
  type Opened,
  quality,
  recolourings,
  recoverMapFromPairs,
  type Oracle,
  recoverBlockNibbles,
  recoverCoordinateMap,
  recoverExtendedBlockNibbles,
  recoverPixelBased,
  recoverSampleMap,
  type TargetShape,
} from '@latent/lab'
import { drawPicture, PROCEDURAL_KINDS } from '@latent/data'
import { enlarged } from '@latent/studies'
import { openScheme } from '@latent/schemes'
import { COLOUR_SETTINGS, drawVortexKey, GREY_SETTINGS, mapStatistics, vortexMap } from '@latent/schemes/vortex'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const SHAPE: TargetShape = { width: 192, height: 144, channels: 3 }
const GAP = 8

type Recover = (oracle: Oracle, shape: TargetShape) => Promise<Opened | undefined>

const CHOSEN: readonly [scheme: string, attack: string, recover: Recover][] = [
  ['vortex-2024', 'coordinate map', recoverCoordinateMap],
  ['vortex-2024-bijective', 'coordinate map', recoverCoordinateMap],
  ['fixed-permutation', 'coordinate map', recoverCoordinateMap],
  ['tanaka-le', 'two helper blocks', recoverBlockNibbles],
  ['extended-le', 'helper blocks and numbers', recoverExtendedBlockNibbles],
  ['pixel-based-shuffle', 'one flat image', recoverPixelBased],
  ['etc', 'numbered samples', recoverSampleMap],
  ['per-image-permutation', 'coordinate map', recoverCoordinateMap],
  ['aes-256-ctr', 'coordinate map', recoverCoordinateMap],
  ['aes-256-ctr', 'numbered samples', recoverSampleMap],
  ['exact-flow', 'coordinate map', recoverCoordinateMap],
  ['exact-flow', 'numbered samples', recoverSampleMap],
]
const CIPHER_ONLY = ['pixel-based', 'pixel-based-fresh', 'tanaka-le', 'aes-256-ctr', 'exact-flow']
const SHOWN = new Set(['pixel-based-fresh', 'tanaka-le', 'exact-flow'])
const DRAWN_KEYS = 1000
const KNOWN = [1, 2, 3]
const JIGSAW_FACTOR = 3

export default async function run([
  folder = join(import.meta.dirname, '../docs/lab/attacks'),
]: readonly string[]): Promise<void> {
  mkdirSync(folder, { recursive: true })
  const secret = await drawPicture('lettering', SHAPE.width, SHAPE.height)
  console.log(
    '| cipher | attack | chosen images | right samples in the cipher | right samples after the attack |\n' +
      '|---|---|---|---|---|',
  )
  for (const [scheme, attack, recover] of CHOSEN) {
    const { cipher, close } = await openScheme(scheme)
    const key = await deriveKey(new TextEncoder().encode('pictures of attacks'), 'latent/v1/lab/attack')
    const found = await recover(chosen => cipher.encrypt(chosen, key), SHAPE)
    const encrypted = (await cipher.encrypt(secret, key, repeatably(cipher, new Uint8Array(16)))) as Image<'u8'>
    const recovered = found?.open(encrypted)
    console.log(
      `| ${scheme} | ${attack} | ${found?.queries ?? 'any'} | ${share(secret, encrypted)} % ` +
        `| ${recovered ? `${share(secret, recovered)} %` : 'none: the answers are no map'} |`,
    )
    // The noise of a cipher that holds says nothing in a picture, and differs in every run.
    if (recovered && !cipher.traits.randomised) save(folder, scheme, [secret, encrypted, recovered])
    await close()
  }
  console.log('\n| cipher | samples equal to those of the plain image, after folding both |\n|---|---|')
  for (const scheme of CIPHER_ONLY) {
    const { cipher, close } = await openScheme(scheme)
    const key = await deriveKey(new TextEncoder().encode('pictures of attacks'), 'latent/v1/lab/attack')
    const encrypted = (await cipher.encrypt(secret, key, { nonce: new Uint8Array(16) })) as Image<'u8'>
    const folded = featureReconstruction(encrypted)
    console.log(`| ${scheme} | ${share(featureReconstruction(secret), folded)} % |`)
    if (SHOWN.has(scheme)) save(folder, `folded-${scheme}`, [secret, encrypted, folded])
    await close()
  }
  await cipherOnly(folder, secret)
  await knownPairs()
  console.log(
    '\n' +
      '| 1000 keys drawn | unmoved pixels, median | under the tenth of the keys that moves least ' +
      '| keys that move none |\n' +
      '|---|---|---|---|',
  )
  for (const [side, settings] of [
    [28, GREY_SETTINGS],
    [32, COLOUR_SETTINGS],
  ] as const) {
    const stream = await KeyStream.create(
      await deriveKey(new TextEncoder().encode('pictures of attacks'), 'latent/v1/lab/attack'),
      'latent/v1/lab/drawn-keys',
    )
    const unmoved: number[] = []
    for (let i = 0; i < DRAWN_KEYS; i++)
      unmoved.push(
        mapStatistics(vortexMap(await drawVortexKey(stream, { width: side, height: side }, settings), 'gather'), side)
          .unmoved /
          (side * side),
      )
    unmoved.sort((a, b) => a - b)
    const percent = (value: number) => `${(100 * value).toFixed(1)} %`
    console.log(
      `| ${side}x${side}, ${settings.count} vortices, strength ${settings.strength} ` +
        `| ${percent(unmoved[DRAWN_KEYS / 2]!)} | at least ${percent(unmoved[0.9 * DRAWN_KEYS]!)} ` +
        `| ${percent(unmoved.filter(value => value === 1).length / DRAWN_KEYS)} |`,
    )
  }
}

/** Channels complemented and shuffled under a key for each picture, and blocks as a jigsaw puzzle. */
async function cipherOnly(folder: string, secret: Image<'u8'>): Promise<void> {
  const key = await deriveKey(new TextEncoder().encode('pictures of attacks'), 'latent/v1/lab/attack')
  const likeness = (plain: Image<'u8'>, found: Image<'u8'>) => quality(plain, found, 'one').ssim!
  console.log(
    '\n' +
      '| cipher | neighbours | SSIM of the cipher | SSIM after the attack, best of 48 recolourings |\n' +
      '|---|---|---|---|',
  )
  for (const scheme of ['pixel-based-shuffle-fresh', 'aes-256-ctr']) {
    const { cipher, close } = await openScheme(scheme)
    for (const [name, plain] of [
      ['landscape', await drawPicture('landscape', SHAPE.width, SHAPE.height)],
      ['lettering', secret],
    ] as const) {
      const encrypted = (await cipher.encrypt(plain, key, { nonce: new Uint8Array(16) })) as Image<'u8'>
      for (const neighbours of ['published', 'both'] as const) {
        const found = recolourings(advancedFeatureReconstruction(encrypted, { neighbours })).reduce((best, other) =>
          likeness(plain, other) > likeness(plain, best) ? other : best,
        )
        console.log(
          `| ${scheme}, ${name} | ${neighbours} | ${likeness(plain, encrypted).toFixed(3)} ` +
            `| ${likeness(plain, found).toFixed(3)} |`,
        )
        if (scheme !== 'aes-256-ctr' && name === 'landscape')
          save(folder, `advanced-${neighbours}`, [plain, encrypted, found])
      }
    }
    await close()
  }
  const { cipher, close } = await openScheme('etc')
  const plain = await drawPicture('street', SHAPE.width / JIGSAW_FACTOR, SHAPE.height / JIGSAW_FACTOR)
  const encrypted = (await cipher.encrypt(plain, key)) as Image<'u8'>
  const { picture, seam } = assembleBlocks(encrypted)
  console.log(
    `\njigsaw of etc: ${(plain.width * plain.height) / 16} blocks, seams of ${seam.toFixed(1)} levels a sample`,
  )
  save(
    folder,
    'jigsaw-etc',
    [plain, encrypted, picture].map(panel => enlarged(panel, JIGSAW_FACTOR)),
  )
  await close()
}

/** How many pictures in both forms a cipher that moves pixels can stand, at 32 x 32. */
async function knownPairs(): Promise<void> {
  const key = await deriveKey(new TextEncoder().encode('pictures of attacks'), 'latent/v1/lab/attack')
  console.log(
    '\n| cipher | known pairs | pixels whose source is certain | right samples of another picture |\n|---|---|---|---|',
  )
  for (const scheme of ['vortex-2024', 'vortex-2024-bijective', 'fixed-permutation', 'aes-256-ctr']) {
    const { cipher, close } = await openScheme(scheme)
    const natural = await Promise.all(
      Array.from({ length: Math.max(...KNOWN) + 1 }, (_, i) => drawPicture(PROCEDURAL_KINDS[i]!, 32, 32, 7)),
    )
    const pairs: KnownPair[] = []
    for (const plain of natural) pairs.push({ plain, cipher: await cipher.encrypt(plain, key) })
    const other = pairs.pop()!
    for (const count of KNOWN) {
      const found = recoverMapFromPairs(pairs.slice(0, count))
      console.log(
        `| ${scheme} | ${count} | ${found ? `${found.certain} of 1024` : 'no map fits'} ` +
          `| ${found ? `${share(other.plain as Image<'u8'>, found.open(other.cipher as Image<'u8'>))} %` : 'none'} |`,
      )
    }
    await close()
  }
}

const share = (a: Image<'u8'>, b: Image<'u8'>): string =>
  ((100 * a.data.reduce((sum, value, i) => sum + (value === b.data[i] ? 1 : 0), 0)) / a.data.length).toFixed(1)

function save(folder: string, name: string, panels: readonly Image<'u8'>[]): void {
  const width = panels.length * SHAPE.width + (panels.length - 1) * GAP
  const data = new Uint8Array(width * SHAPE.height * 3).fill(255)
  for (const [i, panel] of panels.entries()) {
    for (let y = 0; y < SHAPE.height; y++)
      data.set(
        panel.data.subarray(y * SHAPE.width * 3, (y + 1) * SHAPE.width * 3),
        (y * width + i * (SHAPE.width + GAP)) * 3,
      )
  }
  writeFileSync(
    join(folder, `${name}.png`),
    encodePng(image({ width, height: SHAPE.height, channels: 3, format: 'u8', data }), 9),
  )
}
