import { argumentError } from '@latent/core'
import type { NullRate } from '@latent/lab'
import type { Command } from 'commander'
import { untilInterrupted } from '../ending.ts'
import { counter, OWN_TEST, whole } from './lab-counter.ts'

interface NullsArguments {
  readonly scheme: string[]
  readonly test: string[]
  readonly trials: number
  readonly sequences: number
  readonly bits: number
  readonly only: readonly string[]
}

const PARTS = ['single', 'runs', 'sequences']

/** Pictures of a run among the trials: small ones, since what is checked does not depend on their size. */
const RUN_PICTURES = 4

/** `latent lab nulls`: are the bands what they say? */
export function nullsCommand(lab: Command): void {
  lab
    .command('nulls')
    .description('check the bands themselves: ciphers with nothing to find must pass every test at its stated rate')
    .option('-s, --scheme <id...>', 'ciphers beyond doubt', ['aes-256-ctr', 'chacha20', 'random-bytes', 'exact-flow'])
    .option('-t, --test <file...>', OWN_TEST, [])
    .option('--trials <number>', 'trials a scheme: single pictures, and runs of a few', whole('--trials'), 200)
    .option('--sequences <number>', 'sequences for SP 800-22', whole('--sequences'), 2000)
    .option('--bits <number>', 'bits a sequence', whole('--bits'), 100_000)
    .option('--only <what...>', 'single (pictures), runs (of a few pictures, and many keys), sequences', PARTS)
    .action(async ({ scheme, test, trials: count, sequences, bits, only }: NullsArguments) => {
      const odd = only.find(part => !PARTS.includes(part))
      if (odd !== undefined) throw argumentError('--only', PARTS.join(', '), odd)
      const { drawPicture } = await import('@latent/data')
      const { familyRates, nullRates, requireBands, TESTS, withTests } = await import('@latent/lab')
      const { openOwn, resolveSchemes, resolveTests } = await import('@latent/lab/node')
      const tests = withTests(
        TESTS,
        (await resolveTests(test)).map(own => own.test),
      )
      const plain = await drawPicture('landscape', 256, 192)
      const all: Parameters<typeof requireBands>[0][number][] = []
      const small = await Promise.all(
        (['landscape', 'street', 'marble', 'dunes'] as const)
          .slice(0, RUN_PICTURES)
          .map(kind => drawPicture(kind, 64, 48)),
      )
      const parts = only.filter(part => part !== 'sequences')
      for (const { scheme: named } of parts.length > 0 ? await resolveSchemes(scheme) : []) {
        const { cipher, close } = await openOwn(named)
        const progress = counter(`nulls ${cipher.id}`)
        const rates: NullRate[] = []
        try {
          for (const [at, part] of parts.entries()) {
            const onTrial = (done: number) => progress.step(at * count + done, parts.length * count)
            rates.push(
              ...(part === 'single'
                ? await nullRates(cipher, plain, count, { tests, onTrial })
                : await familyRates(cipher, small, count, { tests, onTrial })),
            )
          }
        } finally {
          progress.end()
        }
        await close()
        all.push(...rates.map(rate => ({ ...rate, cipher: cipher.id })))
        process.stdout.write(`${cipher.id}, ${count} trials\n`)
        for (const { test, at95, at99, uniformity, asStated } of rates) {
          const percent = (share: number) => `${(100 * share).toFixed(1).padStart(5)} %`
          process.stdout.write(
            `  ${asStated ? 'as stated' : 'OFF      '} ${test.padEnd(34)} ${percent(at95)} at 0.05` +
              (Number.isNaN(at99) ? '' : `  ${percent(at99)} at 0.01`) +
              (Number.isNaN(at99) || Number.isNaN(uniformity) ? '' : `  uniformity ${uniformity.toPrecision(2)}`) +
              '\n',
          )
        }
      }
      requireBands(all)
      if (only.includes('sequences')) await sequenceNulls(scheme, sequences, bits)
    })
}

/** SP 800-22 on noise, whose p-values must be uniform in every series. @throws E_CONTROLS */
async function sequenceNulls(schemes: readonly string[], sequences: number, bits: number): Promise<void> {
  const { requireControls } = await import('@latent/lab')
  const { randomness, resolveSchemes } = await import('@latent/lab/node')
  const { parametersFor } = await import('@latent/lab/sp80022')
  const { blockFrequency, serial, approximateEntropy } = parametersFor(bits)
  process.stdout.write(
    `SP 800-22 on ${sequences} sequences of ${bits} bits: block frequency over ${blockFrequency} bits, ` +
      `serial m = ${serial}, approximate entropy m = ${approximateEntropy}\n`,
  )
  const off: string[] = []
  for (const { scheme, name } of await resolveSchemes(schemes)) {
    const progress = counter(`SP 800-22 ${scheme.id}`, 'sequences')
    const { verdict } = await untilInterrupted(signal =>
      randomness({
        source: { scheme: scheme.id, ...name, plain: 'black' },
        sequences,
        bits,
        signal,
        onProgress: progress.step,
      }),
    )
      .catch(progress.failed)
      .finally(progress.end)
    if (!verdict.consistent) off.push(`${scheme.id} is rejected by SP 800-22`)
    process.stdout.write(
      `${scheme.id}: ${verdict.consistent ? 'consistent' : 'REJECTED'}, ${verdict.outside} of ` +
        `${verdict.series.length} series outside NIST's bounds ` +
        `(${verdict.expectedOutside.toFixed(2)} expected of noise)\n`,
    )
    for (const { series, passed, needed, uniformity } of verdict.series)
      process.stdout.write(
        `  ${series.padEnd(34)} ${((100 * passed) / sequences).toFixed(2).padStart(6)} % at 0.01, ` +
          `${passed} of ${needed} needed, uniformity ${uniformity?.toPrecision(2) ?? '-'}\n`,
      )
  }
  requireControls(off, 'check of SP 800-22', 'with other keys a single one may be chance; more than one is not')
}
