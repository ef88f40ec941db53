import { LatentError } from '@latent/core'
import type { Command } from 'commander'
import type { ConvertOptions } from '../dataset/convert.ts'
import { readCipherKey } from '../keys.ts'
import { progressBar } from '../progress.ts'

interface Options {
  readonly keyFile: string
  readonly workers?: number
  readonly json?: boolean
}

const PROGRESS_EVERY_MS = 1000
/** Two samples of unrelated pictures are seldom equal; where a tenth is, the cipher leaves pixels alone, or the picture is flat. */
const NOTABLE = 0.1

export function datasetCommand(program: Command): void {
  const dataset = program.command('dataset').description('encrypt whole data sets, so that networks can be trained on images nobody sees')

  withRunOptions(dataset.command('encrypt').description('every image of a data set under one key; folders by class, CIFAR-10 binary batches, or idx files with labels'))
    .argument('<in>', 'CLASS/picture or SPLIT/CLASS/picture, data_batch_*.bin, or *-images-idx3-ubyte[.gz] with their labels')
    .argument('<out>', 'a new folder, or one to go on with; it lies as IN does, pictures as PNG')
    .requiredOption('--scheme <id>', 'the cipher: vortex-2024, vortex-2024-bijective, tanaka-le, extended-le, pixel-based, etc, ... (latent lab list)')
    .addHelpText('after', '\nClasses and file names stay readable: they are what a network is trained on. None of these ciphers replaces latent seal.')
    .action((input: string, output: string, options: Options & { readonly scheme: string }) => convert('encrypt', input, output, options))

  withRunOptions(dataset.command('decrypt').description('an encrypted data set back: exactly where the scheme is exact; its manifest says with which scheme'))
    .argument('<in>', 'a folder that latent dataset encrypt wrote, with its latent-dataset.json')
    .argument('<out>', 'a new folder, or one to go on with')
    .action((input: string, output: string, options: Options) => convert('decrypt', input, output, options))
}

const withRunOptions = (command: Command): Command =>
  command
    .requiredOption('--key-file <file>', '64 hexadecimal digits, as latent keygen --cipher writes them, or a vortex key in JSON')
    .option('--workers <number>', 'threads (default: as many as the machine has)', Number)
    .option('--json', 'progress and result as JSON lines')

async function convert(direction: 'encrypt' | 'decrypt', input: string, output: string, { scheme, keyFile, workers, json = false }: Options & { readonly scheme?: string }): Promise<void> {
  if (workers !== undefined && (!Number.isSafeInteger(workers) || workers < 1 || workers > 256)) throw new LatentError('E_ARGUMENT', `--workers is a whole number from 1 to 256, received ${workers}`)
  const { decryptDataSet, encryptDataSet } = await import('../dataset/convert.ts')
  const key = await readCipherKey(keyFile)
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
        line({ images: done, total, imagesPerSecond: Math.round(rate), secondsLeft: Math.round((total - done) / rate) })
      },
      onFailure: text => (json ? line({ failure: text }) : bar.note(text)),
    }
    const result = scheme === undefined ? await decryptDataSet(input, output, options) : await encryptDataSet(input, output, { ...options, scheme })
    bar.end()
    const seconds = (performance.now() - started) / 1000
    if (json) return line({ summary: { ...result, seconds: Number(seconds.toFixed(2)) } })
    process.stdout.write(`${result.images} images in ${result.files} files ${scheme === undefined ? 'decrypted from' : 'encrypted with'} ${result.scheme} into ${output} (${result.layout}); ${result.made} made in this run, ${seconds.toFixed(1)} s\n`)
    if (result.unchanged !== undefined && result.unchanged > NOTABLE) process.stdout.write(`note: ${Math.round(100 * result.unchanged)}% of the samples of the first image are as they were\n`)
    if (result.oneWay) process.stdout.write('note: nothing decrypts these pictures; keep the plain ones\n')
    else if (!result.exact) process.stdout.write('note: this cipher is lossy; what decrypts is not the same picture\n')
  } finally {
    bar.end()
  }
}

const line = (value: object): void => void process.stdout.write(`${JSON.stringify(value)}\n`)
