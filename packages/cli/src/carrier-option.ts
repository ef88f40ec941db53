import { argumentError } from '@latent/core'
import { ioError } from '@latent/core/node'
import { parsePreset, type Preset, PRESETS } from '@latent/robust/presets'
import { type FileResult, sealFiles, type SealRun } from '@latent/vault/node'
import { readFile } from 'node:fs/promises'

/** What the help says of `--carrier`. */
export const CARRIER_HELP =
  'png: keeps its bytes only where files are kept as they are; ' +
  'robust[:PRESET]: pictures that survive being encoded anew, for photo services; ' +
  `PRESET is ${Object.keys(PRESETS)
    .flatMap(name => name.split(':')[1] ?? [])
    .join(', ')} or a JSON file`

/** What seals into the carrier that was asked for. @throws E_ARGUMENT for one that there is not; E_IO */
export async function carrierOf(
  carrier: string,
  threads: number | undefined,
): Promise<(run: SealRun) => AsyncGenerator<FileResult>> {
  if (carrier === 'png') return sealFiles
  const preset = await presetOf(carrier)
  // Decoders of pictures are loaded for this carrier alone: sealing into PNGs starts without them.
  const { sealRobust } = await import('@latent/robust/node')
  return run => sealRobust({ ...run, preset, ...(threads === undefined ? {} : { threads }) })
}

/** The preset that `robust`, `robust:NAME` or `robust:FILE.json` means. @throws E_ARGUMENT; E_IO */
export async function presetOf(carrier: string): Promise<Preset> {
  const known = PRESETS[carrier]
  if (known && Object.hasOwn(PRESETS, carrier)) return known
  const path = /^robust:(.+\.json)$/i.exec(carrier)?.[1]
  if (path === undefined)
    throw argumentError('--carrier', ['png', ...Object.keys(PRESETS), 'robust:FILE.json'].join(', '), carrier)
  const text = await readFile(path, 'utf8').catch((cause: unknown) => {
    throw ioError(cause, `cannot read the preset ${path}`)
  })
  return parsePreset(text)
}
