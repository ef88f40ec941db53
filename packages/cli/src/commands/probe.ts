import { argumentError, formatBytes } from '@latent/core'
import { ioError, publish } from '@latent/core/node'
import { isProbe, makeProbe, PROBE_SIDES, PRESETS, type ProbeReport, readProbe, SAFE_MARGIN } from '@latent/robust'
import { sharpPixels } from '@latent/robust/node'
import type { Command } from 'commander'
import { readFile } from 'node:fs/promises'
import { jsonLine, visible } from '../terminal.ts'

/** Adds `latent probe` to the program. */
export function probeCommand(program: Command): void {
  const command = program.command('probe').description('find out what a photo service does to pictures')
  const side = (text: string) => {
    const pixels = Number(text)
    if (!Number.isInteger(pixels)) throw argumentError('--side', 'a number of pixels', text)
    return pixels
  }
  command
    .command('make')
    .description('write a test picture: send it through the service, get it back, and read it')
    .requiredOption('-o, --output <file>', 'the PNG to write')
    .option('--side <pixels>', 'its side', side, PROBE_SIDES.usual)
    .option('--force', 'replace the probe of an earlier run')
    .action(async ({ output, side, force }: { output: string; side: number; force?: boolean }) => {
      await publish(output, [makeProbe(side)], {
        replace: force ? async path => isProbe(await readFile(path)) : undefined,
        hint: '--force replaces a probe of an earlier run, and nothing else',
      })
    })
  command
    .command('read')
    .description('say what the service did, and which preset of robust carriers fits')
    .argument('<file>', 'the picture that came back')
    .option('--side <pixels>', 'the side it was made with', side, PROBE_SIDES.usual)
    .option('--json', 'one line of JSON on standard output')
    .action(async (file: string, { side, json }: { side: number; json?: boolean }) => {
      const bytes = await readFile(file).catch((cause: unknown) => {
        throw ioError(cause, `cannot read ${file}`)
      })
      const report = await readProbe(bytes, side, sharpPixels)
      process.stdout.write(json ? jsonLine(report) : told(report, side))
    })
}

/** The report in words. */
function told(report: ProbeReport, side: number): string {
  const { format, width, height, bytes, scale, cropped, jpeg, modes, fitting } = report
  const cut = Object.entries(cropped).filter(([, pixels]) => pixels > 0)
  const perPixel = (8 * bytes) / width / height
  const tables = jpeg?.exact ? `${jpeg.quality}, by the common tables` : `about ${jpeg?.quality}: tables of its own`
  const longest = Math.max(width, height)
  const lines = [
    `format    ${format}, ${width} x ${height}, ${formatBytes(bytes)}, ${perPixel.toFixed(2)} bits a pixel`,
    ...(jpeg
      ? [
          `quality   ${tables}`,
          `coding    ${jpeg.progressive ? 'progressive' : 'baseline'}, sampling ${jpeg.sampling}`,
          `metadata  ${jpeg.metadata.length === 0 ? 'none' : visible(jpeg.metadata.join(', '))}`,
          ...(jpeg.orientation === undefined ? [] : [`turned    orientation ${jpeg.orientation} is written`]),
        ]
      : []),
    `scale     ${scale === 1 ? 'as it was sent' : `${scale.toFixed(4)}: the service allows ${longest} pixels a side`}`,
    `cropped   ${cut.length === 0 ? 'nothing' : cut.map(([edge, pixels]) => `${pixels} ${edge}`).join(', ')}`,
    '',
  ]
  lines.push(
    'mode  bits a pixel  codewords  information  needed  margin',
    ...modes.map(({ mode, rate, decoded, frames, information, needed }) =>
      [
        String(mode).padEnd(4),
        rate.toFixed(2).padStart(12),
        `${decoded}/${frames}`.padStart(9),
        information.toFixed(3).padStart(11),
        needed.toFixed(3).padStart(6),
        (information - needed - SAFE_MARGIN).toFixed(3).padStart(6),
      ].join('  '),
    ),
    '',
  )
  // What was scaled to half its sides would be scaled by more if it were larger.
  const most = (name: string) => Math.min(PRESETS[name]!.side, scale === 1 ? Number.POSITIVE_INFINITY : 2 * longest)
  if (fitting.length > 0)
    lines.push(`Fits: ${fitting.map(name => `${name} (up to ${most(name)} pixels a side)`).join(', ')}.`)
  else if (scale === 1) lines.push('No preset fits: this service leaves too little.')
  else lines.push('What was scaled so carries nothing.')
  if (scale !== 1)
    lines.push(
      'Smaller pictures are not scaled, and other presets carry more in what is left: make a probe with',
      `--side ${longest}, and seal with a preset of at most that side.`,
    )
  else if (longest <= side) lines.push(`Sides above ${side} pixels were not tried.`)
  return `${lines.join('\n')}\n`
}
