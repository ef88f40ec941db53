import { argumentError, formatBytes, LatentError } from '@latent/core'
import {
  type AlbumView,
  checkPresence,
  type Kept,
  nameAlbums,
  normalRecipient,
  prune,
  rebuild,
  rekey,
  removePhotos,
  select,
  share,
  unshare,
} from '@latent/vault'
import { verifyVault } from '@latent/vault/node'
import type { Command } from 'commander'
import { untilInterrupted } from '../../ending.ts'
import { sharedFlow } from '../../flows.ts'
import { repeated } from '../../keys/index.ts'
import { reportRun, runDisplay } from '../../run-report.ts'
import { jsonLine, shown, visible } from '../../terminal.ts'
import {
  type Access,
  NO_PHOTOS,
  oneAlbum,
  selectionOf,
  vaultCommand,
  type VaultOptions,
  withSelection,
  withSelectionOfNow,
  withVault,
} from './access.ts'

/** `latent vault verify`, and `check`, which opens a sample. */
export function verifyCommands(parent: Command): void {
  withSelection(vaultCommand(parent, 'verify', 'open every object to the last byte, and write nothing'))
    .argument('[pattern...]', 'paths, folders, or patterns; everything if there is none')
    .action((address: string, patterns: string[], options: VaultOptions) => verify(address, options, patterns, 1))
  withSelection(vaultCommand(parent, 'check', 'look whether every object is there, and open a sample of them'))
    .option('--sample <share>', 'how much is opened: 1/20, or 5%', '1/20')
    .action((address: string, options: VaultOptions & { readonly sample: string }) =>
      verify(address, options, [], shareOf(options.sample)),
    )
}

/** A share of all. @throws E_ARGUMENT */
function shareOf(text: string): number {
  const [, top, bottom = '1'] = /^(\d+)(?:\/(\d+))?$/.exec(text) ?? []
  const percent = /^(\d+(?:\.\d+)?)\s*%$/.exec(text)?.[1]
  const share = percent === undefined ? Number(top) / Number(bottom) : Number(percent) / 100
  if (!(share >= 0 && share <= 1))
    throw argumentError('--sample', 'a share of the photos', text, '1/20 or 5%, for example')
  return share
}

async function verify(
  address: string,
  options: VaultOptions,
  patterns: readonly string[],
  share: number,
): Promise<void> {
  const { flows, close } = sharedFlow()
  const display = runDisplay('verifying', options.json)
  try {
    await withVault(address, options, async ({ vault }) => {
      const photos = select(vault, selectionOf(options, patterns))
      const { missing, wrongSize, unknown, foreign, lostSegments } = await checkPresence(vault, photos)
      const notice = (text: string) => display.watcher.notice?.(text)
      if (photos.length === 0) notice(NO_PHOTOS)
      if (unknown.length > 0)
        notice(`${unknown.length} objects are in no index that this key opens: latent vault rebuild looks at them`)
      if (foreign.length > 0)
        notice(`${foreign.length} things among the objects are none of a vault: ${foreign[0]}; they are passed over`)
      for (const name of lostSegments) notice(`a part of the index is gone or damaged: ${name}; latent vault rebuild`)
      const bad = new Set([...missing, ...wrongSize])
      // What is known to be wrong is opened in any case, and told why.
      const chosen = share === 1 ? photos : [...bad, ...sample(photos, share, bad)]
      await untilInterrupted(signal =>
        reportRun(verifyVault({ vault, photos: chosen, flows, watcher: display.watcher, signal }), display, {
          done: 'intact',
        }),
      )
      if (!options.json && share < 1)
        process.stdout.write(`there     ${photos.length - missing.length} of ${photos.length}\n`)
      if (lostSegments.length > 0)
        throw new LatentError('E_VAULT', 'a part of the index is gone or damaged', {
          hint: 'latent vault rebuild records what the objects themselves say',
        })
    })
  } finally {
    await close()
  }
}

/** So many of them at random, at least one. */
function sample(photos: readonly Kept[], share: number, without: ReadonlySet<Kept>): Kept[] {
  const left = photos.filter(photo => !without.has(photo))
  const count = Math.min(left.length, Math.max(1, Math.round(left.length * share)))
  for (let i = 0; i < count; i++) {
    const j = i + Math.floor(Math.random() * (left.length - i))
    ;[left[i], left[j]] = [left[j]!, left[i]!]
  }
  return left.slice(0, count)
}

interface MemberOptions extends VaultOptions {
  readonly recipient?: string[]
}

const SHARED = `What this cannot do: take anything back. Whoever has a key once keeps what it opens, and copies of it.`

/** `latent vault share`, `unshare` and `rekey`. */
export function memberCommands(parent: Command): void {
  const command = (name: string, description: string) =>
    vaultCommand(parent, name, description)
      .option('--album <name>', 'this album; the first one if none is named', repeated)
      .option('-r, --recipient <recipient>', 'an age recipient, or an SSH public key; may be repeated', repeated)
  const change = (work: (access: Access, options: MemberOptions, recipients: string[]) => Promise<object>) => {
    return async (address: string, options: MemberOptions) => {
      const recipients = (options.recipient ?? []).map(normalRecipient)
      await withVault(address, options, async access => {
        const outcome = await work(access, options, recipients)
        const lines = Object.entries(outcome).map(([name, value]) => `${name.padEnd(11)} ${visible(String(value))}`)
        process.stdout.write(options.json ? jsonLine(outcome) : `${lines.join('\n')}\n`)
      })
    }
  }
  const required = (recipients: readonly string[]) => {
    if (recipients.length === 0)
      throw new LatentError('E_ARGUMENT', 'with whom was not said', { hint: 'give -r RECIPIENT' })
    return recipients
  }
  command('share', 'give the keys of an album to somebody else; no photo is touched').action(
    change(({ vault }, { album }, recipients) => share(vault, oneAlbum(vault, album), required(recipients))),
  )
  command('unshare', 'leave somebody out from now on: what is added later gets a new key')
    .addHelpText('after', `\n${SHARED}`)
    .action(
      change(async ({ vault }, { album, json }, recipients) => {
        const outcome = await unshare(vault, oneAlbum(vault, album), required(recipients))
        if (!json) process.stderr.write(`${SHARED}\n`)
        return outcome
      }),
    )
  command('rekey', 'give an album a new key for what is added from now on')
    .addHelpText('after', `\nWith -r it is for these recipients alone; otherwise for the members there are.\n${SHARED}`)
    .action(
      change(({ vault }, { album }, recipients) => {
        const view = oneAlbum(vault, album)
        return rekey(vault, view, recipients.length > 0 ? recipients : view.members)
      }),
    )
}

/** What only the index knew, and somebody has to say again. */
const lostNames = (albums: readonly AlbumView[]): string =>
  'nothing says what these albums were called, who their members are, and which of them were one album of several ' +
  `keys: ${albums.map(({ name }) => visible(JSON.stringify(name))).join(', ')}; say it again with ` +
  'latent vault rename NAME --album ONE --album OTHER, and with latent vault share'

/** `latent vault rename`, `remove`, `prune` and `rebuild`. */
export function changeCommands(parent: Command): void {
  vaultCommand(parent, 'rename', 'give an album another name; several become one')
    .argument('<name>', 'what it is called from now on')
    .option('--album <name>', 'this album; several are put together; the first one if none is named', repeated)
    .action(async (address: string, name: string, options: VaultOptions) => {
      await withVault(address, options, async ({ vault }) => {
        const given = new Set(options.album?.map(each => vault.album(each)) ?? [vault.main()])
        const { album, keys } = await nameAlbums(vault, [...given], name)
        process.stdout.write(options.json ? jsonLine({ album, keys }) : shown`album  ${album}\nkeys   ${keys}\n`)
      })
    })
  withSelectionOfNow(
    vaultCommand(parent, 'remove', 'hide photos from now on; latent vault prune deletes their objects'),
  )
    .argument('<pattern...>', 'paths, folders, or patterns')
    .option('--yes', 'do it; without it, what would be removed is shown')
    .action(async (address: string, patterns: string[], options: VaultOptions & { readonly yes?: boolean }) => {
      await withVault(address, options, async ({ vault }) => {
        const chosen = select(vault, selectionOf(options, patterns))
        if (options.yes) await removePhotos(vault, chosen)
        for (const photo of chosen) {
          const [album, { path }] = [vault.albumOf(photo).name, photo]
          process.stdout.write(
            options.json
              ? jsonLine({ album, path, removed: options.yes ?? false })
              : shown`${options.yes ? 'removed' : 'would remove'}  ${album}: ${path}\n`,
          )
        }
        if (!options.yes) process.stderr.write('nothing was removed: give --yes\n')
      })
    })
  vaultCommand(parent, 'prune', 'delete what was removed, in two phases: a first run marks, a later one deletes')
    .option('--wait <days>', 'days between marking and deleting', '7')
    .action(async (address: string, options: VaultOptions & { readonly wait: string }) => {
      const days = Number(options.wait)
      if (!(days >= 0 && days <= 3650))
        throw argumentError('--wait', 'a number of days', options.wait, '7, for example; at most 3650')
      await withVault(address, options, async ({ vault }) => {
        const pruned = await prune(vault, days * 24 * 3600_000)
        const { marked, waiting, deleted, deletedBytes, segments } = pruned
        process.stdout.write(
          options.json
            ? jsonLine(pruned)
            : `marked   ${marked}\nwaiting  ${waiting}\ndeleted  ${deleted} (${formatBytes(deletedBytes)}), ` +
                `and ${segments} segments of the index\n`,
        )
      })
    })
  vaultCommand(parent, 'rebuild', 'ask every object that the index does not know what it is, and record it').action(
    async (address: string, options: VaultOptions) => {
      await withVault(address, options, async ({ vault, keyring }) => {
        const rebuilt = await rebuild(vault, keyring)
        for (const name of rebuilt.damaged) process.stderr.write(`damaged: ${visible(name)}\n`)
        const nameless = vault.albums().filter(album => album.isNameless)
        if (nameless.length > 0) process.stderr.write(`note: ${lostNames(nameless)}\n`)
        process.stdout.write(
          options.json
            ? jsonLine(rebuilt)
            : `objects  ${rebuilt.objects}\nfound    ${rebuilt.found}\n` +
                `foreign  ${rebuilt.foreign}\ndamaged  ${rebuilt.damaged.length}\n`,
        )
      })
    },
  )
}
