import { LatentError, toHex, formatBytes } from '@latent/core'
import { WEIGHT_SETS } from '@latent/schemes/exact-flow'
import { type Inspection, inspectSealed } from '@latent/vault'
import { ioError, readFileParts } from '@latent/core/node'
import type { Command } from 'commander'
import { errorLines, jsonLine, visible } from '../terminal.ts'

/** Adds `latent inspect` to the program. */
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
          process.stdout.write(json ? jsonLine({ file: path, ...found }) : `${visible(path)}\n${lines(found)}`)
        } catch (error) {
          failed++
          const { code, message, hint } = ioError(error, `cannot read ${path}`)
          if (json) process.stdout.write(jsonLine({ file: path, code, reason: message, hint }))
          else process.stderr.write(`failed: ${visible(path)}: ${errorLines({ code, message, hint }, '  ')}\n`)
        }
      }
      if (failed > 0)
        throw new LatentError('E_PARTIAL', `${failed} of ${paths.length} files could not be read`, {
          hint: 'they are named above',
        })
    })
}

interface Facts {
  readonly format: string
  readonly widthPixels: number
  readonly heightPixels: number
  readonly body: string
  readonly weights?: string
  readonly weightSet?: string
  readonly chunks: number
  readonly chunkBytes: number
  /** Of name, type, size and time together, sealed: steps of 128, of which a long name takes more than one. */
  readonly metadataBytes: number
  /** The hash and the padding are inside too: the file has no more bytes than that. */
  readonly atMostBytes: number
  readonly keys: string
  readonly nonce: string
}

async function facts({ geometry, header, chunks }: Inspection): Promise<Facts> {
  const plaintext = chunks.sealedSize - 16 * chunks.count
  return {
    format: 'latent sealed 1',
    widthPixels: geometry.width,
    heightPixels: geometry.height,
    body: header.body,
    ...(header.weights === undefined ? {} : { weights: header.weights, weightSet: weightSet(header.weights) }),
    chunks: chunks.count,
    chunkBytes: chunks.size,
    metadataBytes: header.metadata,
    atMostBytes: plaintext - header.metadata - 32,
    keys: envelopeKinds(header.envelope),
    nonce: toHex(header.nonce),
  }
}

function lines({ widthPixels, heightPixels, atMostBytes, ...rest }: Facts): string {
  const told = { picture: `${widthPixels} x ${heightPixels}`, holds: `at most ${formatBytes(atMostBytes)}`, ...rest }
  return Object.entries(told)
    .map(([name, value]) => `  ${name.padEnd(14)}${visible(String(value))}\n`)
    .join('')
}

const weightSet = (id: string): string =>
  Object.entries(WEIGHT_SETS).find(([, set]) => set.id === id)?.[0] ?? 'not in this release'

/** The stanzas of the age envelope name kinds of recipients, never who they are. */
function envelopeKinds(envelope: Uint8Array): string {
  const kinds = Array.from(
    new TextDecoder('latin1')
      .decode(envelope)
      .split('\n---')[0]!
      .matchAll(/^-> (\S+)/gm),
    match => match[1]!,
  ).filter(kind => !kind.endsWith('-grease'))
  return kinds.length === 0 ? 'none found' : kinds.join(', ')
}
