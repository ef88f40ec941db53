import { argumentError, type Image, LatentError } from '@latent/core'
import type { SchemeSummary, Summary } from '@latent/lab'
import type { Command } from 'commander'
import { join } from 'node:path'
import { untilInterrupted } from '../ending.ts'
import { withBackend } from '../backend-option.ts'
import { visible } from '../terminal.ts'
import { counter, OWN_TEST, whole } from './lab-counter.ts'

interface EvaluateArguments {
  readonly scheme: string[]
  readonly test: string[]
  readonly data: string
  readonly out: string
  readonly images?: number
  readonly seeds: number
  readonly robustness: number
  readonly workers?: number
  readonly keys?: number
  readonly largest?: number
  readonly pictures: string
}

/** `latent lab evaluate`: measures, reports, and says what was found. */
export function evaluateCommand(lab: Command): void {
  withBackend(lab.command('evaluate'))
    .description('measure schemes on a collection of pictures, controls included, and write rows, a summary and a page')
    .requiredOption(
      '-s, --scheme <id...>',
      'schemes to measure, "baselines", "all", or scripts (.ts, .js, .mjs) that export one of your own',
    )
    .requiredOption(
      '-d, --data <source>',
      'a folder of pictures, or procedural, bsds500/val, cifar10/test, mnist/test, ...',
    )
    .requiredOption(
      '-o, --out <folder>',
      'where rows.jsonl, summary.json and report.html go; a killed run goes on from there',
    )
    .option('-t, --test <file...>', OWN_TEST, [])
    .option('--images <number>', 'the first so many pictures', whole('--images'))
    .option('--seeds <number>', 'repetitions with other keys and choices', whole('--seeds'), 1)
    .option('--robustness <number>', 'pictures of which damage curves are taken', whole('--robustness', 0), 4)
    .option('--workers <number>', 'threads', whole('--workers'))
    .option(
      '--keys <number>',
      'keys among which equal ciphers are looked for (default: 16384, fewer for learned ciphers)',
      whole('--keys'),
    )
    .option(
      '--largest <pixels>',
      'pictures of more pixels are measured on their middle (default: 524288)',
      whole('--largest'),
    )
    .option(
      '--pictures <which>',
      'pictures in the page: "data" (the first of the set), "procedural" (drawn by latent) or "none"',
      'data',
    )
    .action(async (options: EvaluateArguments) => {
      const { pictures, test: tests, ...rest } = options
      if (!['data', 'procedural', 'none'].includes(pictures))
        throw argumentError('--pictures', 'data, procedural or none', pictures)
      const { evaluate, MARKS, publishText } = await import('@latent/lab/node')
      const progress = counter('evaluate', 'measurements')
      const schemes = await schemeNames(options.scheme)
      const { summary } = await untilInterrupted(signal =>
        evaluate({ ...rest, schemes, tests, signal, onProgress: progress.step }),
      )
        .catch(progress.failed)
        .finally(progress.end)
      const path = join(options.out, 'report.html')
      await publishText(path, await report(summary, schemes, options.data, pictures), MARKS.page)
      process.stdout.write(
        `${verdictLines(summary)}\n${ownTests(summary)}${coverage(summary)}report: ${visible(path)}\n`,
      )
      requireWhole(summary)
    })
}

const LISTED = 20

const some = (lines: readonly string[], where: string): string =>
  [...lines.slice(0, LISTED), ...(lines.length > LISTED ? [`and ${lines.length - LISTED} more, all in ${where}`] : [])]
    .map(line => `  ${line}\n`)
    .join('')

/** What the figures are not of: pictures that were cut, files that were passed over, measurements that failed. */
function coverage({ results, images, passedOver = [] }: Summary): string {
  const cut = Math.max(0, ...results.map(({ cut = 0 }) => cut))
  const failed = failedMeasurements(results)
  return [
    cut > 0 ? `${cut} of ${images} pictures are large and were measured on their middle: --largest changes that\n` : '',
    passedOver.length > 0
      ? `passed over, ${passedOver.length} beside the pictures:\n${some(passedOver.map(visible), 'summary.json')}`
      : '',
    failed.length > 0 ? `not measured:\n${some(failed, 'summary.json')}` : '',
  ].join('')
}

/** A line a picture and reason, however many schemes it failed. */
function failedMeasurements(results: readonly SchemeSummary[]): string[] {
  const schemes = new Map<string, Set<string>>()
  for (const { id, failures } of results) {
    for (const { image, code, message } of failures) {
      const line = `${visible(image)}: ${visible(message)} [${code}]`
      schemes.set(line, (schemes.get(line) ?? new Set()).add(id))
    }
  }
  return Array.from(schemes, ([line, ids]) =>
    ids.size === results.length ? line : `${line}, by ${[...ids].join(', ')}`,
  )
}

/** @throws E_PARTIAL if anything was not measured */
function requireWhole({ results }: Summary): void {
  const failed = failedMeasurements(results)
  if (failed.length > 0)
    throw new LatentError(
      'E_PARTIAL',
      `${failed.length === 1 ? 'one picture was' : `${failed.length} pictures were`} not measured, by all ` +
        'schemes or some',
      { hint: 'they are listed above and in the report; the rest is measured' },
    )
}

/** "all" and "baselines" spelt out; scripts stay as they are. */
export async function schemeNames(asked: readonly string[]): Promise<string[]> {
  const { baselineSchemes } = await import('@latent/schemes/baselines')
  const { schemes } = await import('@latent/schemes')
  const ids = asked.flatMap(id =>
    id === 'all'
      ? schemes.filter(({ reversible }) => reversible).map(scheme => scheme.id)
      : id === 'baselines'
        ? baselineSchemes.map(scheme => scheme.id)
        : [id],
  )
  return [...new Set(ids)]
}

async function report(summary: Summary, schemes: readonly string[], data: string, which: string): Promise<string> {
  const { gallery, renderReport } = await import('@latent/lab/report')
  if (which === 'none') return renderReport(summary, [])
  const { openOwn, resolveSchemes } = await import('@latent/lab/node')
  const picture = which === 'data' ? await firstPicture(data) : undefined
  const { drawPicture } = await import('@latent/data')
  const shown = picture ?? { name: 'a street, drawn by latent', image: await drawPicture('street', 96, 72) }
  const { findScheme } = await import('@latent/schemes')
  const asked = await resolveSchemes(schemes)
  const opened = await Promise.all(
    summary.results.map(({ id }) => openOwn(asked.find(({ scheme }) => scheme.id === id)?.scheme ?? findScheme(id))),
  )
  try {
    return await renderReport(summary, [
      await gallery(
        shown.name,
        shown.image,
        opened.map(({ cipher }) => cipher),
      ),
    ])
  } finally {
    await Promise.all(opened.map(scheme => scheme.close()))
  }
}

const SHOWN_SIDE = 128

/** The first 8-bit picture of the set, its middle cut out if it is large: noise does not compress. */
async function firstPicture(data: string): Promise<{ name: string; image: Image<'u8'> } | undefined> {
  const { openData } = await import('@latent/data/node')
  const { crop } = await import('@latent/lab')
  const { pictures } = await openData(data)
  for (const picture of pictures.slice(0, 10)) {
    const image = await picture.load().catch(() => undefined)
    if (image?.format === 'u8') return { name: picture.id, image: crop(image as Image<'u8'>, SHOWN_SIDE, SHOWN_SIDE) }
  }
  return undefined
}

/** One line a scheme, for the terminal. */
function verdictLines({ results }: Summary): string {
  return results
    .map(result => {
      const failing = Object.entries(result.tests).flatMap(([id, test]) => (test.verdict === 'fails' ? [id] : []))
      const found =
        result.images === 0
          ? 'not measured'
          : failing.length === 0
            ? `not contradicted${visibleBias(result)}`
            : `fails ${failing.join(', ')}`
      const untrue =
        result.contradicted.length > 0 ? `; does not do what it says of itself: ${result.contradicted.join(', ')}` : ''
      return `${result.id.padEnd(22)} ${recovery(result).padEnd(10)} ${found}${untrue}`
    })
    .join('\n')
}

/** What a run that found nothing would have seen of a bit that is off everywhere. */
function visibleBias({ tests, needed = [], images }: SchemeSummary): string {
  const visible = tests['bit-planes']?.visible
  if (!visible) return ''
  const more = needed.find(({ pictures }) => pictures > images)
  const told = more ? `, one of ${more.bias} takes ${more.pictures.toLocaleString('en')} pictures` : ''
  return `; a bit off one half by ${visible.effect.toPrecision(2)} points would have shown${told}`
}

/** What tests of one's own found, value for value: those of the lab have their tables in the page. */
function ownTests({ results, tests = [] }: Summary): string {
  return tests
    .map(({ id, title, column }) => {
      const [scale, unit] = column?.unit === '%' ? [100, ' %'] : [1, '']
      const digits = column?.digits ?? 4
      const lines = results.map(result => {
        const found = result.tests[id]
        const { mean = 0, low = 0, high = 0 } = found?.value ?? {}
        const values = [mean, low, high].map(value => `${(scale * value).toFixed(digits)}${unit}`)
        const name = result.id.padEnd(22)
        if (!found) return `  ${name} not measured\n`
        const verdict = found.verdict === 'fails' ? 'fails' : 'not contradicted'
        const passed = `${found.passed} of ${found.replicates} at p >= 0.01`
        return `  ${name} ${values[0]!.padEnd(10)} ${verdict}, ${values[1]!} to ${values[2]!}, ${passed}\n`
      })
      return `${id}: ${visible(title)}\n${lines.join('')}`
    })
    .join('')
}

function recovery({ images, exactShare, psnr }: SchemeSummary): string {
  if (images === 0) return '-'
  return exactShare === 1 ? 'exact' : `${psnr?.mean.toFixed(1) ?? '?'} dB`
}
