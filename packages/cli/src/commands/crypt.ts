import { type Image, LatentError } from '@latent/core'
import { decodePng, encodePng } from '@latent/core/png'
import { findScheme } from '@latent/schemes'
import { streamOf } from '@latent/vault'
import { ioError, writeWhole } from '@latent/vault/node'
import type { Command } from 'commander'
import { readFile, stat } from 'node:fs/promises'
import { resolve } from 'node:path'
import { parseNonce, readCipherKey } from '../keys.ts'

interface CryptOptions {
  readonly scheme: string
  readonly keyFile: string
  readonly nonce?: string
  readonly force?: boolean
}

const MAX_PNG_BYTES = 2 ** 31

export function cryptCommands(program: Command): void {
  for (const direction of ['encrypt', 'decrypt'] as const) {
    program
      .command(direction)
      .description(direction === 'encrypt' ? 'pixel mode: a PNG into a cipher PNG (no authentication; seal is the safe choice)' : 'pixel mode: a cipher PNG back (a wrong key gives noise, not an error)')
      .argument('<in.png>')
      .argument('<out.png>')
      .option('--scheme <id>', 'the cipher', 'exact-flow')
      .requiredOption('--key-file <file>', '64 hexadecimal digits, as latent keygen --cipher writes them')
      .option('--nonce <hex>', direction === 'encrypt' ? 'separates pictures under one key; travels in a PNG text chunk' : 'the nonce, if it no longer travels in the picture')
      .option('--force', 'replace OUT.png')
      .action(async (source: string, target: string, options: CryptOptions) => crypt(direction, source, target, options))
  }
}

async function crypt(direction: 'encrypt' | 'decrypt', source: string, target: string, { scheme, keyFile, nonce, force }: CryptOptions): Promise<void> {
  if (resolve(source) === resolve(target)) throw new LatentError('E_EXISTS', 'input and output are the same file', { hint: 'give another output name' })
  const key = await readCipherKey(keyFile)
  const given = parseNonce(nonce)
  const plain = decodePng(await readWhole(source))
  const { cipher, close } = await findScheme(scheme).open()
  try {
    const result: Image = await cipher[direction](plain, key, given ? { nonce: given } : {})
    await writeWhole(target, streamOf(encodePng(result, direction === 'encrypt' ? 0 : 6)), { overwrite: force ?? false })
    process.stdout.write(`${direction}ed ${plain.width} x ${plain.height} pixels with ${cipher.id} into ${target}\n`)
    if (direction === 'encrypt' && !cipher.traits.exact) process.stdout.write('note: this cipher is lossy; what decrypts is not the same picture\n')
  } finally {
    await close()
  }
}

async function readWhole(path: string): Promise<Uint8Array> {
  try {
    if ((await stat(path)).size > MAX_PNG_BYTES) throw new LatentError('E_LIMIT', `${path} is larger than 2 GiB`)
    return new Uint8Array(await readFile(path))
  } catch (error) {
    throw ioError(error, `cannot read ${path}`)
  }
}
