import { argumentError, LatentError } from '@latent/core'
import type { Summary } from '@latent/lab'
import type { Command } from 'commander'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { untilInterrupted } from '../ending.ts'
import { withBackend } from '../backend-option.ts'
import { visible } from '../terminal.ts'
import { attackCommand } from './lab-attack.ts'
import { learnabilityCommands } from './lab-learnability.ts'
import { matrixCommand } from './lab-matrix.ts'
import { counter, whole } from './lab-counter.ts'
import { evaluateCommand, schemeNames } from './lab-evaluate.ts'
import { nullsCommand } from './lab-nulls.ts'

/**
 * Adds `latent lab`, with a subcommand for everything that is measured, to the program. Whatever an action needs is
 * loaded when it runs.
 */
export function labCommand(program: Command): void {
  const lab = program.command('lab').description('measure ciphers: statistics with null bands, controls, reports')
  evaluateCommand(lab)
  compareCommand(lab)
  randomnessCommand(lab)
  nullsCommand(lab)
  speedCommand(lab)
  studyCommand(lab)
  learnabilityCommands(lab)
  attackCommand(lab)
  matrixCommand(lab)
  lab
    .command('list')
    .description('every scheme and baseline that can be measured')
    .action(async () => {
      const { schemes } = await import('@latent/schemes')
      const { controlRole } = await import('@latent/lab')
      for (const { id, title, role } of schemes) {
        const control = controlRole(id)
        process.stdout.write(
          `${id.padEnd(38)} ${role.padEnd(10)} ${title}${control ? `  (${control} control of every run)` : ''}\n`,
        )
      }
    })
}

function compareCommand(lab: Command): void {
  withBackend(lab.command('compare'))
    .description(
      'put the schemes of finished runs side by side, published figures beside measured ones, with the wording ' +
        'they allow',
    )
    .argument('<run...>', 'folders that `latent lab evaluate` wrote')
    .option('-s, --scheme <id...>', 'only these schemes')
    .option('-o, --out <file>', 'write a page (.html) as well')
    .action(async (runs: string[], { scheme, out }: { scheme?: string[]; out?: string }) => {
      const { claimsFrom, measuredCounterpart, publishedFor, testsOf } = await import('@latent/lab')
      const summaries = await Promise.all(runs.map(readSummary))
      const chosen = summaries.flatMap(summary =>
        summary.results.flatMap(result =>
          scheme === undefined || scheme.includes(result.id) ? [{ summary, result }] : [],
        ),
      )
      if (chosen.length === 0) throw new LatentError('E_ARGUMENT', 'none of these runs measured the schemes asked for')
      for (const { summary, result } of chosen) {
        process.stdout.write(`\n${result.title} (${result.id}) on ${visible(summary.data)}, ${result.images} images\n`)
        for (const claim of claimsFrom(result, testsOf(summary)))
          process.stdout.write(
            `  ${claim.standing.padEnd(16)} ${claim.topic}: ${claim.say}\n${' '.repeat(19)}not: ${claim.never}\n`,
          )
        const published = publishedFor(result.id)
        if (!published) continue
        process.stdout.write(`  published: ${published.citation}\n`)
        for (const { metric, value, condition, standing } of published.figures)
          process.stdout.write(
            `    ${metric}: ${value}${condition && ` (${condition})`}, ${standing}; ` +
              `here: ${measuredCounterpart(result, metric) ?? 'not measured'}\n`,
          )
        for (const remark of published.remarks) process.stdout.write(`    ${remark}\n`)
      }
      if (out === undefined) return
      const { renderComparison } = await import('@latent/lab/report')
      const { MARKS, publishText } = await import('@latent/lab/node')
      await publishText(out, renderComparison(chosen), MARKS.page)
      process.stdout.write(`\npage: ${visible(out)}\n`)
    })
}

async function readSummary(folder: string): Promise<Summary> {
  let summary: Partial<Summary>
  try {
    // Earlier versions wrote what was not measured as NaN, which JSON makes null of, and had another word for verdicts.
    summary = JSON.parse(await readFile(join(folder, 'summary.json'), 'utf8'), (name, value: unknown) =>
      name === 'verdict' && value === 'consistent' ? 'not contradicted' : (value ?? undefined),
    ) as Partial<Summary>
  } catch (cause) {
    throw new LatentError('E_DATA', `${folder} holds no finished run`, {
      hint: 'latent lab evaluate writes summary.json when every control has behaved',
      cause,
    })
  }
  if (summary.version !== 1 || !Array.isArray(summary.results))
    throw new LatentError('E_UNSUPPORTED', `the summary in ${folder} is of a format that this release does not know`, {
      hint: 'use the release that wrote it, or run it again',
    })
  return summary as Summary
}

interface RandomnessArguments {
  readonly scheme?: string[]
  readonly file?: string
  readonly ascii?: boolean
  readonly sequences: number
  readonly bits: number
  readonly plain: string
  readonly out?: string
}

function randomnessCommand(lab: Command): void {
  lab
    .command('randomness')
    .description('the 15 tests of NIST SP 800-22 rev. 1a on cipher bytes of schemes, or on a file')
    .option('-s, --scheme <id...>', 'schemes; each sequence has a key of its own')
    .option('-f, --file <path>', 'bytes to test instead')
    .option('--ascii', 'the file holds its bits as the letters 0 and 1')
    .option('--sequences <number>', 'sequences', whole('--sequences'), 100)
    .option('--bits <number>', 'bits a sequence', whole('--bits'), 1_000_000)
    .option('--plain <which>', 'what is encrypted: "black" or "picture"', 'black')
    .option('-o, --out <file>', 'write every p-value there as JSON')
    .action(async ({ scheme, file, ascii = false, sequences, bits, plain, out }: RandomnessArguments) => {
      if ((scheme === undefined) === (file === undefined))
        throw new LatentError('E_ARGUMENT', 'give --scheme or --file')
      if (plain !== 'black' && plain !== 'picture') throw argumentError('--plain', 'black or picture', plain)
      const { MARKS, publishText, randomness, randomnessControls, requireSequences, resolveSchemes } =
        await import('@latent/lab/node')
      // Before the controls: what is wrong with the arguments is no fault of theirs.
      requireSequences({ source: file === undefined ? undefined : { file, ascii }, sequences, bits })
      await untilInterrupted(signal => randomnessControls({ sequences, bits, signal }))
      const sources =
        file === undefined
          ? (await resolveSchemes(await schemeNames(scheme!))).map(({ scheme: { id }, name }) => ({
              name: id,
              source: { scheme: id, ...name, plain } as const,
            }))
          : [{ name: file, source: { file, ...(ascii && { ascii }) } }]
      const results: Record<string, unknown> = {}
      for (const { name, source } of sources) {
        const progress = counter(`SP 800-22 ${name}`, 'sequences')
        const started = performance.now()
        const { verdict, pValues } = await untilInterrupted(signal =>
          randomness({ source, sequences, bits, signal, onProgress: progress.step }),
        )
          .catch(progress.failed)
          .finally(progress.end)
        results[name] = { verdict, pValues }
        const seconds = (performance.now() - started) / 1000
        process.stdout.write(
          `${name.padEnd(22)} ${verdict.consistent ? 'consistent' : 'rejected  '}  ${verdict.outside} ` +
            `of ${verdict.series.length} series outside NIST's bounds (${verdict.expectedOutside.toFixed(1)} ` +
            `expected of noise), ${sequences} x ${bits} bits in ${seconds.toFixed(1)} s\n`,
        )
        const worst = verdict.series
          .filter(({ proportionOk, uniformityOk }) => !proportionOk || !uniformityOk)
          .sort((a, b) => a.tail - b.tail)
        for (const { series, passed, needed, uniformity } of worst.slice(0, 5))
          process.stdout.write(
            `  ${series}: ${passed} passed, ${needed} ` +
              `needed${uniformity === undefined ? '' : `, uniformity ${uniformity.toPrecision(3)}`}\n`,
          )
      }
      if (out !== undefined) await publishText(out, `${JSON.stringify(results)}\n`, MARKS.randomness)
    })
}

const SPEED_SIDE = 512

const SPEED_RUNS = 5

function speedCommand(lab: Command): void {
  withBackend(lab.command('speed'))
    .description('time every metric on one 512 x 512 RGB cipher, on one thread')
    .action(async () => {
      const { drawPicture } = await import('@latent/data')
      const { measureImage, median } = await import('@latent/lab')
      const { openScheme } = await import('@latent/schemes')
      const plain = await drawPicture('landscape', SPEED_SIDE, SPEED_SIDE)
      // Noise costs next to nothing to make, and a wrong result keeps SSIM and MS-SSIM at work.
      const { cipher } = await openScheme('random-bytes')
      const times: number[] = []
      for (let run = 0; run <= SPEED_RUNS; run++) {
        const start = performance.now()
        await measureImage(cipher, plain, { imageId: 'speed', seed: run })
        if (run > 0) times.push(performance.now() - start)
      }
      process.stdout.write(
        `every metric on one 512 x 512 RGB cipher: median ${(median(times) / 1000).toFixed(3)} s ` +
          `of ${SPEED_RUNS} runs on one thread\n`,
      )
    })
}

interface StudyArguments {
  readonly out?: string
  readonly seed: number
  readonly quick?: boolean
}

function studyCommand(lab: Command): void {
  withBackend(lab.command('study'))
    .description(
      'measure one scheme against its paper and write its page: tables, charts, pictures; without a name, list ' +
        'the studies',
    )
    .argument('[scheme]')
    .option('-o, --out <folder>', 'where the page goes; docs/schemes/SCHEME by default')
    .option('--seed <n>', 'of keys and choices', whole('--seed'), 1)
    .option('--quick', 'few pictures and trials, to see that it runs; nothing to publish')
    .action(async (id: string | undefined, { out, seed, quick = false }: StudyArguments) => {
      const { findStudy, studies } = await import('@latent/studies')
      if (id === undefined) {
        process.stdout.write(`${Object.keys(studies).join('\n')}\n`)
        return
      }
      const study = await findStudy(id)
      const { writeStudy } = await import('@latent/studies/node')
      const folder = out ?? join('docs', 'schemes', id)
      let [title, progress] = ['', counter(id)]
      const tell = (done: number, total: number, what: string) => {
        if (what !== title) {
          if (title !== '') progress.end()
          ;[title, progress] = [what, counter(`${id}: ${what}`)]
        }
        progress.step(done, total)
      }
      await writeStudy(study, {
        folder,
        seed,
        quick,
        progress: tell,
        command: `latent lab study ${id}${seed === 1 ? '' : ` --seed ${seed}`}${quick ? ' --quick' : ''}`,
      }).finally(() => progress.end())
      process.stdout.write(`${visible(join(folder, 'README.md'))}\n`)
    })
}
