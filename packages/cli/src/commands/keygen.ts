import { LatentError, randomBytes, toHex } from '@latent/core'
import { streamOf } from '@latent/vault'
import { writeWhole } from '@latent/vault/node'
import { generateHybridIdentity, generateX25519Identity, identityToRecipient } from 'age-encryption'
import { chmod } from 'node:fs/promises'
import type { Command } from 'commander'

export function keygenCommand(program: Command): void {
  program
    .command('keygen')
    .description('make a key pair (an age identity), or a cipher key for pixel mode')
    .option('-o, --output <file>', 'write the secret there (readable by you alone) instead of standard output')
    .option('--post-quantum', 'a hybrid of X25519 and ML-KEM-768; recipients are about 2,000 characters long')
    .option('--cipher', 'a 32-byte key for latent encrypt and decrypt')
    .action(async ({ output, postQuantum, cipher }: { output?: string; postQuantum?: boolean; cipher?: boolean }) => {
      if (cipher && postQuantum) throw new LatentError('E_ARGUMENT', '--cipher and --post-quantum exclude each other')
      if (cipher) return deliver(`${toHex(randomBytes(32))}\n`, output)
      const identity = await (postQuantum ? generateHybridIdentity() : generateX25519Identity())
      const recipient = await identityToRecipient(identity)
      // The layout that age-keygen writes and age reads.
      await deliver(`# created: ${new Date().toISOString()}\n# public key: ${recipient}\n${identity}\n`, output)
      if (output !== undefined) process.stdout.write(`${recipient}\n`)
    })
}

async function deliver(secret: string, output: string | undefined): Promise<void> {
  if (output === undefined) return void process.stdout.write(secret)
  await writeWhole(output, streamOf(new TextEncoder().encode(secret)), { beforePublish: temporary => chmod(temporary, 0o600) })
}
