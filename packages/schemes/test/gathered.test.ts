import { KeyStream, sha256Of } from '@latent/core'
import { setImmediate } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { openExactFlow, secondWeights, trainedWeights } from '../src/exact-flow/index.ts'
import { gathered } from '../src/exact-flow/gathered.ts'
import { INPUT_ROW_BYTES, loopNetworks, type RoundNetworks, ROW_BYTES } from '../src/exact-flow/network.ts'

const noise = async (length: number, label: string) =>
  (await KeyStream.create(sha256Of(new TextEncoder().encode(label)), 'latent/v1/test/noise')).bytes(length)
const turn = () => setImmediate()
const SIZES = [32, 33, 100, 3072, 4500, 20_000, 75_000, 300_000, 40, 4500, 1536]

/** Networks that say how many rows they were given at once. */
function watched(networks: RoundNetworks): { networks: RoundNetworks; runs: number[] } {
  const runs: number[] = []
  const run: RoundNetworks['run'] = (round, input, rows, output) => {
    runs.push(rows)
    return networks.run(round, input, rows, output)
  }
  return { networks: { ...networks, run }, runs }
}

describe('tiles that are worked on side by side', () => {
  test.each([
    ['second', secondWeights],
    ['trained', trainedWeights],
  ])('of the %s weights come out as each does alone, and back', async (_, weightsOf) => {
    const weights = await weightsOf()
    const alone = await openExactFlow({ weights, threads: 1 })
    const together = await openExactFlow({ weights, threads: 1, together: { tiles: 4, turn } })
    const tiles = await Promise.all(
      SIZES.map(async (size, i) => ({ key: sha256Of(Uint8Array.of(i)), bytes: await noise(size, `${i}`) })),
    )
    const tweak = Uint8Array.of(1)
    const made = await Promise.all(tiles.map(({ key, bytes }) => together.encrypt(key, tweak, bytes)))
    for (const [i, { key, bytes }] of tiles.entries())
      expect(Buffer.from(made[i]!).equals(await alone.encrypt(key, tweak, bytes))).toBe(true)
    const back = await Promise.all(tiles.map(({ key }, i) => together.decrypt(key, tweak, made[i]!)))
    for (const [i, { bytes }] of tiles.entries()) expect(Buffer.from(back[i]!).equals(bytes)).toBe(true)
    // Closing waits for what nobody waits for.
    const late = together.encrypt(tiles[0]!.key, tweak, tiles[0]!.bytes)
    await together.close()
    expect(await late).toEqual(made[0])
    await alone.close()
  })

  test('share runs of the networks, each of no more rows than these take', async () => {
    const { networks, runs } = watched(loopNetworks(await secondWeights()))
    const shared = gathered(networks, turn)
    const rowsOf = [1, 2, 30, 31, 5, 64, 1]
    const ask = async (round: number, rows: number) => {
      const input = await noise(rows * INPUT_ROW_BYTES, `${round} ${rows}`)
      const [output, expected] = [new Uint8Array(rows * ROW_BYTES), new Uint8Array(rows * ROW_BYTES)]
      await networks.run(round, input, rows, expected)
      runs.length = 0
      return async () => {
        await shared.run(round, input, rows, output)
        expect(Buffer.from(output).equals(expected)).toBe(true)
      }
    }
    const asked = await Promise.all(rowsOf.map((rows, i) => ask(i % 2, rows)))
    await Promise.all(asked.map(run => run()))
    // Round 0: 1 + 30 + 5 and 1, since 64 would not fit in between; round 1: 2 + 31, and 64.
    expect(runs.toSorted((a, b) => a - b)).toEqual([33, 37, 64])
  })

  test('fail together where a run fails, and go on afterwards', async () => {
    let broken = true
    const real = loopNetworks(await secondWeights())
    const run: RoundNetworks['run'] = (...given) => (broken ? Promise.reject(new Error('broken')) : real.run(...given))
    const shared = gathered({ ...real, run }, turn)
    const one = () => shared.run(0, new Uint8Array(INPUT_ROW_BYTES), 1, new Uint8Array(ROW_BYTES))
    expect((await Promise.allSettled([one(), one()])).map(({ status }) => status)).toEqual(['rejected', 'rejected'])
    broken = false
    await Promise.all([one(), one()])
    await shared.close()
  })
})
