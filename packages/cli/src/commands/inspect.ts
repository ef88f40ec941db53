import { LatentError, toHex } from '@latent/core'
import { WEIGHT_SETS } from '@latent/schemes/exact-flow'
import { type Inspection, inspectSealed } from '@latent/vault'
import { ioError, readFileParts } from '@latent/vault/node'
import type { Command } from 'commander'
import { formatBytes } from '../format.ts'

export function inspectCommand(program: Command): void {
  program
    .command('inspect')
    .description('show what a sealed file says without a key (none of it is authenticated yet)')
    .argument('<sealed...>', 'sealed files')
    .option('--json', 'one line of JSON a file')
    .action(async (paths: string[], { json }: { json?: boolean }) => {
      let failed = 0
      for (const path of paths) {
        try {
          const found = await facts(await inspectSealed(readFileParts(path)))
          process.stdout.write(json ? `${JSON.stringify({ file: path, ...found })}\n` : `${path}\n${Object.entries(found).map(([name, value]) => `  ${name.padEnd(11)}${String(value)}\n`).join('')}`)
        } catch (error) {
          failed++
          const { code, message, hint } = ioError(error, `cannot read ${path}`)
          if (json) process.stdout.write(`${JSON.stringify({ file: path, code, reason: message, hint })}\n`)
          else process.stderr.write(`failed: ${path}: ${message} [${code}]\n${hint ? `  hint: ${hint}\n` : ''}`)
        }
      }
      if (failed > 0) throw new LatentError('E_PARTIAL', `${failed} of ${paths.length} files could not be read`)
    })
}

async function facts({ geometry, header, chunks }: Inspection): Promise<Record<string, string | number>> {
  const plaintext = chunks.sealedSize - 16 * chunks.count
  return {
    format: 'latent sealed 1',
    picture: `${geometry.width} x ${geometry.height}`,
    body: header.body,
    ...(header.weights === undefined ? {} : { weights: header.weights, weightSet: await weightSet(header.weights) }),
    chunks: chunks.count,
    chunkBytes: chunks.size,
    // The hash and the padding are inside too: this is an upper bound of the file's size.
    holds: `at most ${formatBytes(plaintext - header.metadata - 32)}`,
    keys: envelopeKinds(header.envelope),
    nonce: toHex(header.nonce),
  }
}

async function weightSet(id: string): Promise<string> {
  for (const [name, weights] of Object.entries(WEIGHT_SETS)) if ((await weights()).id === id) return name
  return 'not in this release'
}

/** The stanzas of the age envelope name kinds of recipients, never who they are. */
function envelopeKinds(envelope: Uint8Array): string {
  const kinds = Array.from(new TextDecoder('latin1').decode(envelope).split('\n---')[0]!.matchAll(/^-> (\S+)/gm), match => match[1]!).filter(kind => !kind.endsWith('-grease'))
  return kinds.length === 0 ? 'none found' : kinds.join(', ')
}
