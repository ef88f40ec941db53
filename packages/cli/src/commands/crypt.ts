import { argumentError, LatentError, MAX_PIXELS } from '@latent/core'
import { ioError } from '@latent/core/node'
import type {
  DecryptFacts,
  DecryptFileOptions,
  EncryptFacts,
  EncryptFileOptions,
  PictureFileOptions,
  PictureSink,
  PictureSource,
} from '@latent/data/pixel-mode'
import { type Command, Option } from 'commander'
import { once } from 'node:events'
import { withBackend } from '../backend-option.ts'
import { parseNonce, readCipherKey } from '../keys/index.ts'
import { jsonLine, visible } from '../terminal.ts'

interface CommonArguments extends Omit<PictureFileOptions, 'key' | 'nonce' | 'protect'> {
  readonly keyFile: string
  readonly nonce?: string
  readonly json?: boolean
}
type EncryptArguments = CommonArguments & Pick<EncryptFileOptions, 'wire' | 'deterministic' | 'check'>
type DecryptArguments = CommonArguments & Pick<DecryptFileOptions, 'altered'>

/** Adds `latent encrypt` and `latent decrypt` to the program. Whatever an action needs is loaded when it runs. */
export function cryptCommands(program: Command): void {
  withCommon(
    program
      .command('encrypt')
      .description(
        'pixel mode: a picture into a PNG of noise of the same size (seal keeps the file itself, and is the ' +
          'safe choice)',
      ),
  )
    .argument(
      '<picture>',
      'PNG; or JPEG, WebP, AVIF, TIFF, GIF, of which the decoded pixels are kept; - reads standard input',
    )
    .argument('<out.png>', 'the cipher picture; - writes standard output')
    .option('--scheme <id>', 'the cipher (default: exact-flow)')
    .option(
      '--nonce <hex>',
      'separates pictures under one key, and travels in a PNG text chunk; drawn at random unless given',
    )
    .option('--deterministic', 'no nonce: equal pictures give equal cipher pictures, and equal parts of them may')
    .option('--check', 'let codes travel by which a wrong key and a changed picture are told', true)
    .option('--no-check', 'no such codes: a wrong key then gives noise')
    .addOption(
      new Option(
        '--wire <format>',
        'format of the cipher image, for schemes that write several: fewer bits, lower quality back',
      ).choices(['u8', 'u16', 'f32']),
    )
    .action(async (source: string, target: string, options: EncryptArguments) => {
      if (options.nonce !== undefined && options.deterministic)
        throw new LatentError('E_ARGUMENT', '--nonce and --deterministic exclude each other')
      const { encryptPictureFile } = await import('@latent/data/pixel-mode')
      const facts = await encryptPictureFile(sourceOf(source), sinkOf(target), await withKey(options, true))
      tell({ picture: source, out: target, ...facts }, encryptionNotes, 'encrypted', options.json)
    })

  withCommon(program.command('decrypt').description('pixel mode: a cipher picture back'))
    .argument('<picture>', 'a PNG that latent encrypt wrote; - reads standard input')
    .argument('<out.png>', 'the plain picture; - writes standard output')
    .option('--scheme <id>', 'the cipher; a picture that names another one is refused (default: exact-flow)')
    .option('--nonce <hex>', 'the nonce, if it no longer travels in the picture')
    .option('--altered', 'decrypt a picture that was changed on its way; what was changed comes out as noise')
    .action(async (source: string, target: string, options: DecryptArguments) => {
      const { decryptPictureFile } = await import('@latent/data/pixel-mode')
      const facts = await decryptPictureFile(sourceOf(source), sinkOf(target), await withKey(options, false))
      tell({ picture: source, out: target, ...facts }, decryptionNotes, 'decrypted', options.json)
    })
}

/** Options as the library takes them: the key itself in the place of its file. */
async function withKey<A extends CommonArguments>({ keyFile, nonce, json, ...rest }: A, encrypting: boolean) {
  const key = await readCipherKey(keyFile, { encrypting, json })
  const given = parseNonce(nonce)
  return { ...rest, key, ...(given ? { nonce: given } : {}), protect: keyFile === '-' ? [] : [keyFile] }
}

const sourceOf = (path: string): PictureSource => (path === '-' ? process.stdin : path)
const sinkOf = (path: string): PictureSink =>
  path === '-'
    ? async part => {
        if (process.stdout.write(part)) return
        await once(process.stdout, 'drain').catch((error: unknown) => {
          throw ioError(error, 'cannot write to standard output')
        })
      }
    : path

const withCommon = (command: Command): Command =>
  withBackend(command)
    .requiredOption('--key-file <file>', '64 hexadecimal digits, as latent keygen --cipher writes them')
    .option('--weights <file>', 'trained weights to use instead of those that come with Latent')
    .option(
      '--max-pixels <number>',
      'refuse larger pictures before decoding them; 16-bit samples count up to twice (default: 100,000,000)',
      pixels,
    )
    .option('--force', 'replace a picture that an earlier run of this command wrote')
    .option('--json', 'the result as one line of JSON')

function pixels(text: string): number {
  if (!/^\d{1,9}$/.test(text) || Number(text) < 1 || Number(text) > MAX_PIXELS)
    throw argumentError('--max-pixels', `a number from 1 to ${MAX_PIXELS}`, text)
  return Number(text)
}

type Note = readonly [kind: 'note' | 'warning', text: string]

function tell<F extends EncryptFacts | DecryptFacts>(
  facts: F & { readonly picture: string; readonly out: string },
  notesOf: (facts: F) => readonly Note[],
  done: string,
  json = false,
): void {
  // Where the picture itself goes to standard output, words go elsewhere.
  const out = facts.out === '-' ? process.stderr : process.stdout
  if (json) return void out.write(jsonLine(facts))
  out.write(
    `${done} ${facts.width} x ${facts.height} pixels with ${facts.scheme} ` +
      `into ${facts.out === '-' ? 'standard output' : visible(facts.out)}\n`,
  )
  for (const [kind, text] of notesOf(facts))
    (kind === 'warning' ? process.stderr : out).write(`${kind}: ${visible(text)}\n`)
}

function encryptionNotes({
  secret,
  scheme,
  nonce,
  oneWay,
  exact,
  format,
  turned,
  lost,
  carried,
  checked,
}: EncryptFacts): Note[] {
  const notes: Note[] = []
  if (secret === 'none') notes.push(['warning', `${scheme} makes no use of the key`])
  if (secret === 'weights')
    notes.push([
      'warning',
      `${scheme} makes no use of the key; its secret is its weights, and those that come with Latent are public`,
    ])
  if (nonce === null)
    notes.push(['warning', `no nonce was used: under this key, equal pictures give equal cipher pictures`])
  if (format !== 'PNG')
    notes.push([
      'note',
      `what comes back is the pixels of this ${format}${turned ? ', turned upright,' : ''} as a PNG, not the ` +
        'file; latent seal keeps the file',
    ])
  if (lost.length > 0) notes.push(['warning', `not kept: ${lost.join(', ')}; latent seal keeps the whole file`])
  if (carried.length > 0) notes.push(['note', `kept beside the pixels, encrypted: ${carried.join(', ')}`])
  if (oneWay) notes.push(['note', 'nothing decrypts this picture; keep the plain one'])
  else if (!exact) notes.push(['note', 'this cipher is lossy; what decrypts is not the same picture'])
  if (!checked)
    notes.push(['warning', 'no check value travels: a wrong key and a changed picture will give noise without a word'])
  return notes
}

function decryptionNotes({
  schemeNamed,
  scheme,
  key,
  cipherPicture,
  besideLost,
  writtenAs,
  sampleBits,
}: DecryptFacts): Note[] {
  const notes: Note[] = []
  if (!schemeNamed) notes.push(['warning', `the picture does not name its cipher; it was taken for ${scheme}`])
  if (key === 'unknown')
    notes.push([
      'warning',
      'no check value travels in it: whether the key is the right one cannot be told, and with a wrong one ' +
        'this is noise',
    ])
  else if (cipherPicture === 'unknown')
    notes.push([
      'warning',
      'no code of the picture travels in it: whether it is as it was written cannot be told, and what was ' +
        'changed is noise',
    ])
  if (cipherPicture === 'altered')
    notes.push(['warning', 'the cipher picture is not as it was written; parts of what came back may be wrong'])
  if (writtenAs !== null)
    notes.push([
      'warning',
      `the cipher picture was written as ${writtenAs} and arrived as other samples than that; what came back ` +
        `is worse for it (${sampleBits} bits a sample)`,
    ])
  if (besideLost) notes.push(['warning', 'what stood beside the pixels (profile, texts, EXIF) was dropped on its way'])
  return notes
}
