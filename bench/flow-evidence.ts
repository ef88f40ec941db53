// Whether weights may take the place of others: terms of the loss and flatness on pictures that no choice has seen.
import type { Image } from '@latent/core'
import { drawPicture } from '@latent/data'
import { histogramTest, studentMean } from '@latent/lab'
import { openExactFlow, parseWeights, secondWeights, trainedWeights, type Weights } from '@latent/schemes/exact-flow'
import { checkPictures, scores } from '@latent/schemes/exact-flow/recipe'
import { recipeContext } from '@latent/training'
import { readFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { harmonics, HARMONICS_HEADING, leftOver } from './exact-flow/harmonics.ts'
import { TERMS, termsOf } from './exact-flow/terms.ts'

/** No networks were trained or chosen on these, but for the first two, by which the first generation chose its step. */
const UNSEEN = { set: 'bsds500', split: 'val' } as const
const CHOSE = 2
/** Batches of eight pictures, under so many seeds that no training and no choice has used. */
const SEEDS = [9101, 9102, 9103, 9104, 9105, 9106, 9107, 9108]
const BATCHES = 48
/** The widest interval that may say "as good": of a term, and of the score. */
const WIDEST = { term: 0.004, score: 0.05 }
const PHOTOS = 12
const SIDE = 160
/**
 * A second look at a set whose score was not told apart: the photographs that no score has seen, other keys, and an
 * interval of 97.5 %, so that both looks together err as seldom as one of 95 %.
 */
const AGAIN = { keys: Array.from({ length: 16 }, (_, i) => 9151 + i), sure: 0.9875 } as const

export default async function run(options: readonly string[]): Promise<void> {
  const { positionals, values } = parseArgs({
    args: [...options],
    allowPositionals: true,
    options: { harmonics: { type: 'boolean' }, black: { type: 'boolean' }, score: { type: 'boolean' } },
  })
  const photos = (await recipeContext({ profile: 'compact', seed: 1 }).images(UNSEEN.set, UNSEEN.split)).slice(CHOSE)
  const sets: [string, Weights][] = [
    ['second generation', await secondWeights()],
    ...positionals.map((file): [string, Weights] => [file, parseWeights(readFileSync(file))]),
  ]
  if (values.harmonics) return printHarmonics([['first generation', await trainedWeights()], ...sets])
  if (values.black) return printBlack(sets)
  if (values.score) return printScore(sets, photos.slice(PHOTOS))
  const before = await measured(await trainedWeights(), photos)
  console.log(`${photos.length} photographs of BSDS500 ${UNSEEN.split}; ${SEEDS.length} seeds of ${BATCHES} batches`)
  for (const [name, weights] of sets) {
    const after = await measured(weights, photos)
    console.log(`\n${name} (${weights.id.slice(0, 16)}...), beside the first generation`)
    console.log('term          first  second  difference, 95 %              verdict')
    for (const term of [...TERMS, 'score']) {
      // A score counts upwards, a term of the loss downwards.
      const worse = before[term]!.map((value, i) => (after[term]![i]! - value) * (term === 'score' ? -1 : 1))
      const { mean, low, high } = studentMean(worse)
      const [first, second] = [before, after].map(set => studentMean(set[term]!).mean.toFixed(4).padStart(7))
      const wide = high - low > WIDEST[term === 'score' ? 'score' : 'term']
      const verdict = low > 0 ? 'WORSE' : high < 0 ? 'better' : wide ? 'not told apart' : 'as good'
      console.log(
        `${term.padEnd(11)}${first} ${second}  ${signed(mean)} (${signed(low)} to ${signed(high)})  ${verdict}`,
      )
    }
  }
}

/** Where in the bytes a score comes from, on the pictures that choices may see. */
async function printHarmonics(sets: readonly (readonly [string, Weights])[]): Promise<void> {
  const photos = await recipeContext({ profile: 'compact', seed: 1 }).images('open-photos', 'val')
  console.log(`${'half'.padEnd(6)}${HARMONICS_HEADING}  (squared mean over chance, whole photographs)`)
  for (const [name, weights] of sets)
    for (const [half, values] of Object.entries(await harmonics(weights, photos.slice(0, PHOTOS))))
      console.log(`${half.padEnd(6)}${values.map(value => value.toFixed(1).padStart(7)).join('')}  ${name}`)
  console.log('one of the networks, of 1:')
  for (const [name, weights] of sets) {
    const left = (await leftOver(weights)).map(value => value.toFixed(3).padStart(7)).join('')
    console.log(`${' '.repeat(6)}${left}  ${name}`)
  }
}

/** The score alone, of every key in both sets, on photographs and under keys that the first look left out. */
async function printScore(sets: readonly (readonly [string, Weights])[], photos: readonly Image<'u8'>[]) {
  const before = await scoresOfKeys(await trainedWeights(), photos, AGAIN.keys)
  console.log(
    `${photos.length} photographs of BSDS500 ${UNSEEN.split} that no score has seen; ${AGAIN.keys.length} keys`,
  )
  for (const [name, weights] of sets) {
    const after = await scoresOfKeys(weights, photos, AGAIN.keys)
    const { mean, low, high } = studentMean(
      before.map((value, i) => value - after[i]!),
      AGAIN.sure,
    )
    const verdict = low > 0 ? 'WORSE' : high - low > WIDEST.score ? 'not told apart' : high < 0 ? 'better' : 'as good'
    const [first, second] = [before, after].map(values => studentMean(values).mean.toFixed(4))
    console.log(
      `${name} (${weights.id.slice(0, 16)}...): first ${first}, second ${second}, difference ${signed(mean)}, ` +
        `97.5 % (${signed(low)} to ${signed(high)}): ${verdict}`,
    )
  }
}

const TWEAKS = 600

/** The whole cipher of black pictures as large as the study's, under one key and many tweaks: are chi-squares usual? */
async function printBlack(sets: readonly (readonly [string, Weights])[]): Promise<void> {
  const black = new Uint8Array(256 * 256 * 3)
  for (const [name, weights] of sets) {
    const flow = await openExactFlow({ weights, threads: 1 })
    const tests: { value: number; p: number }[] = []
    for (let i = 0; i < TWEAKS; i++)
      tests.push(histogramTest(await flow.encrypt(new Uint8Array(32).fill(77), Uint8Array.of(i & 255, i >> 8), black))!)
    await flow.close()
    const inside = tests.filter(({ p }) => p >= 0.05).length
    const mean = studentMean(tests.map(({ value }) => value)).mean.toFixed(1)
    console.log(`${name}: ${inside} of ${TWEAKS} tweaks' chi-squares inside 95 %, mean ${mean}`)
  }
}

const signed = (value: number) => `${value < 0 ? '' : '+'}${value.toFixed(5)}`

/** Every term of every seed, a mean over its batches; and the score of every picture under keys of its own. */
async function measured(weights: Weights, photos: readonly Image<'u8'>[]): Promise<Record<string, number[]>> {
  const found: Record<string, number[]> = {}
  for (const seed of SEEDS)
    for (const [term, values] of Object.entries(await termsOf(weights, photos, seed, BATCHES)))
      (found[term] ??= []).push(studentMean(values).mean)
  return { ...found, score: await scoresOfKeys(weights, photos.slice(0, PHOTOS), SEEDS) }
}

/** The mean score of the pictures under each key; seven drawn pictures join the photographs. */
async function scoresOfKeys(weights: Weights, photos: readonly Image<'u8'>[], keys: readonly number[]) {
  const drawn = await Promise.all(
    (['landscape', 'street', 'marble', 'dunes'] as const).map(kind => drawPicture(kind, SIDE, SIDE)),
  )
  const pictures = [...(await checkPictures(photos)), ...drawn]
  const ofKeys: number[] = []
  for (const key of keys)
    ofKeys.push(studentMean(await scores(weights, pictures, new Uint8Array(32).fill(key & 255))).mean)
  return ofKeys
}
