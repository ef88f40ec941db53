import { floatsToPixels, type Image, LatentError, pixelsToFloats, type SampleFormat } from '@latent/core'
import { decodePng, encodePng } from '@latent/core/png'
import { findScheme } from '@latent/schemes'
import { streamOf } from '@latent/vault'
import { ioError, writeWhole } from '@latent/vault/node'
import { type Command, Option } from 'commander'
import { readFile, stat } from 'node:fs/promises'
import { resolve } from 'node:path'
import { parseNonce, readCipherKey, requireKeyKind } from '../keys/index.ts'

interface CryptOptions {
  readonly scheme: string
  readonly keyFile: string
  readonly nonce?: string
  readonly force?: boolean
  readonly weights?: string
  readonly wire?: SampleFormat
  readonly check?: boolean
}

const MAX_PNG_BYTES = 2 ** 31

export function cryptCommands(program: Command): void {
  for (const direction of ['encrypt', 'decrypt'] as const) {
    const command = program
      .command(direction)
      .description(direction === 'encrypt' ? 'pixel mode: a PNG into a cipher PNG (no authentication; seal is the safe choice)' : 'pixel mode: a cipher PNG back (a wrong key gives noise, not an error)')
      .argument('<in.png>')
      .argument('<out.png>')
      .option('--scheme <id>', 'the cipher', 'exact-flow')
      .requiredOption('--key-file <file>', '64 hexadecimal digits, as latent keygen --cipher writes them')
      .option('--nonce <hex>', direction === 'encrypt' ? 'separates pictures under one key; travels in a PNG text chunk' : 'the nonce, if it no longer travels in the picture')
      .option('--weights <file>', 'trained weights to use instead of those that come with Latent')
      .option('--force', 'replace OUT.png')
      .action(async (source: string, target: string, options: CryptOptions) => crypt(direction, source, target, options))
    if (direction === 'decrypt') continue
    command
      .addOption(new Option('--wire <format>', 'format of the cipher image, for schemes that write several: fewer bits, lower quality back').choices(['u8', 'u16', 'f32']))
      .option('--check', 'lossy schemes: add a keyed check value, so that decrypting with a wrong key is an error and not noise')
  }
}

async function crypt(direction: 'encrypt' | 'decrypt', source: string, target: string, { scheme: id, keyFile, nonce, force, weights, wire, check }: CryptOptions): Promise<void> {
  if (resolve(source) === resolve(target)) throw new LatentError('E_EXISTS', 'input and output are the same file', { hint: 'give another output name' })
  const key = await readCipherKey(keyFile, { encrypting: direction === 'encrypt' })
  const given = parseNonce(nonce)
  const scheme = findScheme(id)
  requireKeyKind(key, scheme)
  if (weights !== undefined && !scheme.trained) throw new LatentError('E_ARGUMENT', `${id} has no trained weights to replace`, { hint: 'leave --weights away' })
  const input = pixelsToFloats(decodePng(await readWhole(source)))
  const { cipher, close } = await scheme.open(weights === undefined ? {} : { weights: await readWhole(weights) })
  try {
    const { exact, wire: wires, secret } = cipher.traits
    if (secret === 'none' && direction === 'encrypt') process.stderr.write(`warning: ${id} makes no use of the key\n`)
    if (secret === 'weights' && direction === 'encrypt') process.stderr.write(`warning: ${id} makes no use of the key; its secret is its weights, and those that come with Latent are public\n`)
    if (wire !== undefined && !wires.includes(wire)) throw new LatentError('E_ARGUMENT', `${id} writes cipher images as ${wires.join(' or ')}, not as ${wire}`, { hint: wires.length > 1 ? `give one of --wire ${wires.join(', ')}` : 'leave --wire away' })
    if (check && exact) throw new LatentError('E_ARGUMENT', `${id} has no check value`, { hint: 'seal the file instead: a sealed file tells a wrong key' })
    const result = await cipher[direction](input, key, { ...(given ? { nonce: given } : {}), ...(wire ? { wire } : {}), ...(check ? { check } : {}) })
    await writeWhole(target, streamOf(encodePng(asPixels(result), direction === 'encrypt' ? 0 : 6)), { overwrite: force ?? false })
    const picture = direction === 'encrypt' ? input : result
    process.stdout.write(`${direction}ed ${picture.width} x ${picture.height} pixels with ${cipher.id} into ${target}\n`)
    if (direction === 'encrypt' && scheme.oneWay) process.stdout.write('note: nothing decrypts this picture; keep the plain one\n')
    else if (direction === 'encrypt' && !exact) process.stdout.write('note: this cipher is lossy; what decrypts is not the same picture\n')
    const written = input.annotations?.['latent:wire']
    if (direction === 'decrypt' && written !== undefined && written !== input.format) process.stderr.write(`warning: the cipher image was written as ${written} and arrived as ${input.format}; what came back is worse for it\n`)
  } finally {
    await close()
  }
}

const asPixels = (result: Image): Image => (result.format === 'f32' ? floatsToPixels(result as Image<'f32'>) : result)

async function readWhole(path: string): Promise<Uint8Array> {
  try {
    if ((await stat(path)).size > MAX_PNG_BYTES) throw new LatentError('E_LIMIT', `${path} is larger than 2 GiB`)
    return new Uint8Array(await readFile(path))
  } catch (error) {
    throw ioError(error, `cannot read ${path}`)
  }
}
