import { LatentError } from '@latent/core'
import type { ConvertedDataSet, ConvertOptions } from '@latent/data/encrypted'
import type { Command } from 'commander'
import { untilInterrupted, withCount } from '../ending.ts'
import { readCipherKey } from '../keys/index.ts'
import { progressBar } from '../progress.ts'
import { jsonLine, shown } from '../terminal.ts'

interface Options {
  readonly keyFile: string
  readonly workers?: number
  readonly json?: boolean
}

type EncryptFlags = Options & { readonly scheme: string; readonly copyOthers?: boolean }

const PROGRESS_EVERY_MS = 1000
/**
 * Two samples of unrelated pictures are seldom equal; where a tenth is, the cipher leaves pixels alone, or the picture
 * is flat.
 */
const NOTABLE = 0.1
/** Of files that are left out, on a terminal; JSON has them all. */
const NAMED = 5

/** Adds `latent dataset` to the program. Whatever an action needs is loaded when it runs. */
export function datasetCommand(program: Command): void {
  const dataset = program
    .command('dataset')
    .description('encrypt whole data sets, so that networks can be trained on images nobody sees')

  withRunOptions(
    dataset
      .command('encrypt')
      .description(
        'every image of a data set under one key; folders by class, CIFAR-10 binary batches, or idx files with labels',
      ),
  )
    .argument(
      '<in>',
      'CLASS/picture or SPLIT/CLASS/picture, data_batch_*.bin, or *-images-idx3-ubyte[.gz] with their labels',
    )
    .argument('<out>', 'a new folder, or one to go on with; it lies as IN does, pictures as PNG')
    .requiredOption(
      '--scheme <id>',
      'the cipher: vortex-2024, vortex-2024-bijective, tanaka-le, extended-le, pixel-based, etc, ... (latent lab list)',
    )
    .option(
      '--copy-others',
      'copy files that are no pictures (captions, class lists, metadata) as they are: readable for everyone',
    )
    .addHelpText(
      'after',
      '\n' +
        'Classes and file names stay readable: they are what a network is trained on. None of these ciphers ' +
        'replaces latent seal.',
    )
    .action((input: string, output: string, options: EncryptFlags) => convert('encrypt', input, output, options))

  withRunOptions(
    dataset
      .command('decrypt')
      .description(
        'an encrypted data set back: exactly where the scheme is exact; its manifest says with which scheme',
      ),
  )
    .argument('<in>', 'a folder that latent dataset encrypt wrote, with its latent-dataset.json')
    .argument('<out>', 'a new folder, or one to go on with')
    .action((input: string, output: string, options: Options) => convert('decrypt', input, output, options))
}

const withRunOptions = (command: Command): Command =>
  command
    .requiredOption(
      '--key-file <file>',
      '64 hexadecimal digits, as latent keygen --cipher writes them, or a vortex key in JSON',
    )
    .option('--workers <number>', 'threads (default: as many as the machine has)', Number)
    .option('--json', 'progress and result as JSON lines')

async function convert(
  direction: 'encrypt' | 'decrypt',
  input: string,
  output: string,
  { scheme, keyFile, workers, copyOthers, json = false }: Options & Partial<EncryptFlags>,
): Promise<void> {
  if (workers !== undefined && (!Number.isSafeInteger(workers) || workers < 1 || workers > 256))
    throw new LatentError('E_ARGUMENT', `--workers is a whole number from 1 to 256, received ${workers}`)
  const { decryptDataSet, encryptDataSet } = await import('@latent/data/encrypted')
  const key = await readCipherKey(keyFile, { encrypting: direction === 'encrypt', json })
  const bar = progressBar(direction, !json, images => `${Math.round(images)} images`)
  const started = performance.now()
  let [total, done, told] = [0, 0, started]
  try {
    const options: ConvertOptions = {
      key,
      ...(workers === undefined ? {} : { workers }),
      onTotal(images) {
        total = images
        bar.total(images)
      },
      onImages(images) {
        done += images
        bar.add(images)
        const now = performance.now()
        if (!json || now - told < PROGRESS_EVERY_MS) return
        told = now
        const rate = (1000 * done) / (now - started)
        line({
          images: done,
          totalImages: total,
          imagesPerSecond: Math.round(rate),
          secondsLeft: Math.round((total - done) / rate),
        })
      },
      onFailure: ({ file, code, message }) =>
        json ? line({ failed: file, code, message }) : bar.note(shown`${file}: ${message} [${code}]`),
      onEnd(result) {
        bar.end()
        const seconds = (performance.now() - started) / 1000
        if (json) writeJson(result, seconds)
        else process.stdout.write(reportOf(direction, output, result, seconds))
      },
    }
    await untilInterrupted(signal =>
      scheme === undefined
        ? decryptDataSet(input, output, { ...options, signal })
        : encryptDataSet(input, output, { ...options, signal, scheme, copyOthers: copyOthers ?? false }),
    )
  } catch (error) {
    throw withCount(error, done, total, 'images')
  } finally {
    bar.end()
  }
}

function writeJson({ leftOut, leavings, ...result }: ConvertedDataSet, seconds: number): void {
  for (const file of leftOut) line({ leftOut: file })
  for (const leaving of leavings) line({ leaving })
  line({
    summary: { ...result, leftOut: leftOut.length, leavings: leavings.length, seconds: Number(seconds.toFixed(2)) },
  })
}

function reportOf(direction: 'encrypt' | 'decrypt', output: string, result: ConvertedDataSet, seconds: number): string {
  const { images, made, failed, files, scheme, layout, copied, leftOut, leavings, emptyClasses, unchanged } = result
  const did = direction === 'encrypt' ? 'encrypted with' : 'decrypted from'
  const lines = [
    shown`${images} images in ${files} files ${did} ${scheme} into ${output} (${layout}); ` +
      `${made} made in this run, ${seconds.toFixed(1)} s`,
  ]
  if (failed > 0) lines.push(`failed: ${counted(failed, 'file')}, named above; the data set is not complete`)
  if (emptyClasses > 0)
    lines.push(
      `note: ${counted(emptyClasses, 'class folder')} without pictures, kept so that labels are numbered alike`,
    )
  if (copied > 0) lines.push(`note: ${counted(copied, 'file')} copied as they were, readable for everyone`)
  if (leftOut.length > 0)
    lines.push(
      `left out: ${counted(leftOut.length, 'file')} that are no pictures of the data set` +
        (direction === 'encrypt' ? ' (--copy-others copies what is no picture)' : ', and not in its manifest') +
        `: ${named(leftOut)}`,
    )
  if (leavings.length > 0)
    lines.push(
      `passed over: ${counted(leavings.length, 'leaving')} of file managers and other programs: ${named(leavings)}`,
    )
  if (unchanged !== undefined && unchanged > NOTABLE)
    lines.push(`note: ${Math.round(100 * unchanged)}% of the samples of the first image are as they were`)
  lines.push(...exactness(direction, result))
  return `${lines.join('\n')}\n`
}

/** What is known of the pictures themselves, not of the scheme: a lossy cipher may lose nothing of these. */
function exactness(
  direction: 'encrypt' | 'decrypt',
  { images, exact, oneWay, compared = 0, equal = 0 }: ConvertedDataSet,
): string[] {
  if (oneWay) return ['note: nothing decrypts these pictures; keep the plain ones']
  if (direction === 'encrypt') return exact ? [] : ['note: this cipher is lossy; what decrypts is not the same picture']
  if (exact || (compared === images && equal === compared)) return []
  if (compared === 0) return ['note: this cipher is lossy; what was decrypted may differ from what was encrypted']
  return [`note: this cipher is lossy; ${equal} of ${counted(compared, 'image')} came back exactly`]
}

const counted = (count: number, what: string): string => `${count} ${what}${count === 1 ? '' : 's'}`

const named = (places: readonly string[]): string =>
  `${places
    .slice(0, NAMED)
    .map(place => shown`${place}`)
    .join(', ')}${places.length > NAMED ? ` and ${places.length - NAMED} more` : ''}`

const line = (value: object): void => void process.stdout.write(jsonLine(value))
