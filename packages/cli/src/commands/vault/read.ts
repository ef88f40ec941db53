import { formatBytes, groupBy, LatentError } from '@latent/core'
import { publish } from '@latent/core/node'
import { grouped, type Kept, select, thumbnailOf, type Vault, vaultFigures } from '@latent/vault'
import { albumFolder, getFiles } from '@latent/vault/node'
import type { Command } from 'commander'
import { readFile } from 'node:fs/promises'
import { extname, join } from 'node:path'
import { setFlagsFromString } from 'node:v8'
import { untilInterrupted } from '../../ending.ts'
import { sharedFlow } from '../../flows.ts'
import { reportRun, runDisplay } from '../../run-report.ts'
import { formatTable, jsonLine, tableLines, visible, writeLines } from '../../terminal.ts'
import { NO_PHOTOS, selectionOf, vaultCommand, type VaultOptions, withSelection, withVault } from './access.ts'

const dayOf = (photo: Kept) => photo.taken?.slice(0, 10) ?? new Date(photo.modified).toISOString().slice(0, 10)

/**
 * V8 doubles its room for young objects while most of them live on, and of an index all do: a third of the memory would
 * be copies on their way.
 */
const holdMuch = () => setFlagsFromString('--semi-space-growth-factor=1')

/** What the index says of a photo, for JSON. */
const factsOf = (vault: Vault, { key, ...photo }: Kept) => ({
  album: vault.albumOf({ key }).name,
  key: key.id,
  ...photo,
})

function* mapped<T>(items: Iterable<T>, map: (item: T) => string): Generator<string> {
  for (const item of items) yield map(item)
}

/** A photo, and what belongs to it, as a row of the list. */
function rowOf(album: string, group: readonly Kept[]): string[] {
  const [photo] = group
  const { path, camera = '' } = photo!
  if (group.length === 1) return [dayOf(photo!), formatBytes(photo!.size), album, path, camera]
  const beside = group.slice(1).map(other => extname(other.path).slice(1))
  const size = group.reduce((sum, each) => sum + each.size, 0)
  return [dayOf(photo!), formatBytes(size), album, `${path} + ${beside.join(' ')}`, camera]
}

/** `latent vault list`. */
export function listCommand(parent: Command): void {
  withSelection(vaultCommand(parent, 'list', 'what is in a vault: names, dates, sizes, cameras, from its index alone'))
    .argument('[pattern...]', 'paths, folders, or patterns such as *.heic')
    .action(async (address: string, patterns: string[], options: VaultOptions) => {
      holdMuch()
      await withVault(address, options, async ({ vault }) => {
        const chosen = select(vault, selectionOf(options, patterns))
        if (options.json) {
          await writeLines(mapped(chosen, photo => jsonLine(factsOf(vault, photo))))
          return
        }
        const albums = Array.from(
          groupBy(chosen, photo => vault.albumOf(photo)),
          ([{ name }, photos]) => ({ name, groups: grouped(photos) }),
        )
        function* rows(): Generator<string[]> {
          yield ['date', 'size', 'album', 'photo', 'camera']
          for (const { name, groups } of albums) for (const group of groups) yield rowOf(name, group)
        }
        const count = albums.reduce((sum, { groups }) => sum + groups.length, 0)
        if (count > 0) await writeLines(mapped(tableLines(rows()), line => `${line}\n`))
        process.stderr.write(`${chosen.length} files, ${count} photos and other things\n`)
      })
    })
}

/** `latent vault show`. */
export function showCommand(parent: Command): void {
  withSelection(vaultCommand(parent, 'show', 'everything that the index knows of a photo'))
    .argument('<photo>', 'its path, or a pattern')
    .option('--thumbnail <file>', 'write its small picture, a JPEG, to this file')
    .action(async (address: string, pattern: string, options: VaultOptions & { readonly thumbnail?: string }) => {
      holdMuch()
      await withVault(address, options, async ({ vault }) => {
        const chosen = select(vault, selectionOf(options, [pattern]))
        const versions = new Map(
          Array.from(
            groupBy(chosen, photo => vault.albumOf(photo)),
            ([album, photos]) => [album, album.versions(photos.map(({ path }) => path))],
          ),
        )
        for (const photo of chosen) {
          const facts = {
            ...factsOf(vault, photo),
            modified: new Date(photo.modified).toISOString(),
            added: new Date(photo.added).toISOString(),
            versions: versions.get(vault.albumOf(photo))!.get(photo.path)!,
            thumbnail: photo.key.thumbs.has(photo.object),
          }
          if (options.json) process.stdout.write(jsonLine(facts))
          else {
            const lines = Object.entries(facts).map(([name, value]) => `${name.padEnd(9)} ${visible(String(value))}`)
            process.stdout.write(`${lines.join('\n')}\n\n`)
          }
        }
        if (options.thumbnail === undefined) return
        const first = chosen.find(photo => photo.key.thumbs.has(photo.object))
        const thumbnail = first && (await thumbnailOf(vault, first.key, first))
        if (!thumbnail)
          throw new LatentError('E_VAULT', 'this photo has no thumbnail in the vault', {
            hint: 'it was no picture to read, or was added with --no-thumbnails; latent vault get has the photo',
          })
        await publish(options.thumbnail, [thumbnail], { mode: 0o600 })
      })
    })
}

interface GetOptions extends VaultOptions {
  readonly output: string
  readonly force?: boolean
}

/** `latent vault get`, and `export`, which gets everything into folders by album. */
export function getCommand(parent: Command): void {
  const give = async (address: string, patterns: readonly string[], options: GetOptions, byAlbum: boolean) => {
    holdMuch()
    const { flows, close } = sharedFlow()
    const display = runDisplay(byAlbum ? 'exporting' : 'getting', options.json)
    try {
      await withVault(address, options, async ({ vault }) => {
        const photos = select(vault, selectionOf(options, patterns))
        if (photos.length === 0) display.watcher.notice?.(NO_PHOTOS)
        const run = (signal: AbortSignal) =>
          getFiles({
            vault,
            photos,
            output: options.output,
            flows,
            byAlbum,
            force: options.force ?? false,
            watcher: display.watcher,
            signal,
          })
        await untilInterrupted(signal => reportRun(run(signal), display, { done: 'got', output: options.output }))
        if (byAlbum) await writeSums(options.output, vault, photos)
      })
    } finally {
      await close()
    }
  }
  withSelection(vaultCommand(parent, 'get', 'give photos back, bit for bit, with their times'))
    .argument('[pattern...]', 'paths, folders, or patterns such as holiday/*.jpg; everything if there is none')
    .requiredOption('-o, --output <folder>', 'where the files go')
    .option('--force', 'replace files that exist')
    .action((address: string, patterns: string[], options: GetOptions) => give(address, patterns, options, false))
  withSelection(
    vaultCommand(parent, 'export', 'leave: everything into plain folders, one an album, with a list of hashes'),
  )
    .requiredOption('-o, --output <folder>', 'where the folders go')
    .option('--force', 'replace files that exist')
    .action((address: string, options: GetOptions) => give(address, [], options, true))
}

/** A comment for `sha256sum -c`, by which a later export knows its own list. */
const SUMS_MARK = '# latent vault export'

/** For `sha256sum -c`, which needs nothing of ours. Names that it would write with a backslash are left out. */
async function writeSums(output: string, vault: Vault, photos: readonly Kept[]): Promise<void> {
  const lines = photos
    .map(photo => `${photo.sha256}  ${albumFolder(vault.albumOf(photo))}/${photo.path}`)
    .filter(line => !/[\\\n\r]/.test(line))
  await publish(join(output, 'SHA256SUMS'), [new TextEncoder().encode(`${SUMS_MARK}\n${lines.join('\n')}\n`)], {
    replace: async path => (await readFile(path, 'utf8')).startsWith(SUMS_MARK),
    hint: 'it is not the list of an earlier export: move it away, or choose another folder',
  })
}

/** `latent vault stats`. */
export function statsCommand(parent: Command): void {
  vaultCommand(parent, 'stats', 'counts and sizes, by album').action(async (address: string, options: VaultOptions) => {
    await withVault(address, options, async ({ vault }) => {
      const { albums, ...all } = vaultFigures(vault)
      if (options.json) {
        process.stdout.write(jsonLine({ ...all, albums }))
        return
      }
      const heading = ['album', 'files', 'plain', 'sealed', 'duplicates', 'versions', 'removed', 'members', 'keys']
      const rows = albums.map(album => [
        album.name,
        String(album.files),
        formatBytes(album.plainBytes),
        formatBytes(album.sealedBytes),
        ...[album.duplicates, album.versions, album.removed, album.members, album.keys].map(String),
      ])
      process.stdout.write(`${formatTable([heading, ...rows])}\n`)
      process.stdout.write(
        `\nindex       ${formatBytes(all.indexBytes)} in ${all.segments} segments\nthumbnails  ${all.thumbnails}\n`,
      )
    })
  })
}
