// npm run bench -- vault-list [photos] [checkout...]: what list, show and get cost in a vault of 100,000 photos. Its
// index is written as it would be, one photo is sealed, and the objects of the others are empty. Of several runs the
// quickest by the clock, the middle one otherwise. With the folder of another checkout its command takes turns with
// this one.
import { createHash } from 'node:crypto'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { Vault, vaultFigures } from '@latent/vault'
import { addFiles, FolderStore } from '@latent/vault/node'
import { generateX25519Identity, identityToRecipient } from 'age-encryption'
import type { IndexRecord } from '../packages/vault/src/vault/record.ts'
import { noFlows } from '../packages/vault/src/vault/segment.ts'
import { type Cost, latentCost, median } from './process-cost.ts'

const TIMES = 7
const PHOTO_BYTES = 8192
/** What many small segments were put together into. */
const LARGE = 10_000
/** The last photos are in segments as runs write them. */
const SMALL = 128
const IN_SMALL = 5000
/** Thumbnails in a pack. */
const PACK = 400
const REAL = '77/REAL.jpg'

/** Equal in every run: digits that look like a hash. */
const digits = (of: string) => createHash('sha256').update(of).digest('hex')

function photo(i: number): IndexRecord & { readonly t: 'photo' } {
  const name = digits(`object ${i}`)
  const added = 1_760_000_000_000 + i
  return {
    t: 'photo',
    object: `objects/${name.slice(0, 2)}/${name.slice(2, 32)}.png`,
    sealed: 9300,
    path: `${i % 100}/IMG_${i}.jpg`,
    size: PHOTO_BYTES + ((i * 7919) % 9_000_000),
    modified: added,
    sha256: digits(`photo ${i}`),
    type: 'image/jpeg',
    added,
    taken: new Date(1_600_000_000_000 + 60_000 * i).toISOString().slice(0, 19),
    camera: `Maker Model ${i % 7}`,
  }
}

/** Photos, and the lines that say where their thumbnails are. */
function linesOf(from: number, to: number): IndexRecord[] {
  const photos = Array.from({ length: to - from }, (_, i) => photo(from + i))
  const packs = Array.from({ length: Math.ceil(photos.length / PACK) }, (_, i) => {
    const objects = photos.slice(i * PACK, (i + 1) * PACK).map(({ object }) => object)
    return { t: 'thumbs' as const, pack: digits(`pack ${from} ${i}`).slice(0, 32), objects }
  })
  return [...photos, ...packs]
}

/** A vault with one photo, an index of so many, and empty objects. */
async function makeVault(folder: string, photos: number): Promise<void> {
  const secret = await generateX25519Identity()
  writeFileSync(join(folder, 'me.key'), `${secret}\n`, { mode: 0o600 })
  const vault = await Vault.init(new FolderStore(join(folder, 'vault')), [await identityToRecipient(secret)])
  const real = join(folder, 'in', REAL)
  mkdirSync(dirname(real), { recursive: true })
  writeFileSync(real, new Uint8Array(PHOTO_BYTES).fill(7))
  const run = { inputs: [join(folder, 'in')], vault, album: vault.main(), flows: noFlows }
  for await (const { status } of addFiles({ ...run, body: { type: 'aes-256-gcm' } }))
    if (status !== 'done') throw new Error(`the photo was not added: ${status}`)
  const { newest } = vault.main()
  for (let at = 0, to; at < photos; at = to) {
    to = Math.min(photos, at + (at + LARGE <= photos - IN_SMALL ? LARGE : SMALL))
    await vault.append(newest, linesOf(at, to))
  }
  for (const { object } of newest.photos.values()) {
    const path = join(folder, 'vault', object)
    mkdirSync(dirname(path), { recursive: true })
    // The one that is there stays.
    writeFileSync(path, '', { flag: 'a' })
  }
  const { indexBytes, segments } = vaultFigures(vault)
  const each = (indexBytes / newest.photos.size).toFixed(0)
  console.log(`${newest.photos.size} photos in an index of ${segments} segments, ${each} bytes a photo`)
}

/** @param options the number of photos, default 100,000, and folders of other checkouts */
export default async function run([count = '100000', ...others]: readonly string[]): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'latent-bench-vault-'))
  try {
    await makeVault(folder, Number(count))
    const at = (name: string) => join(folder, name)
    const checkouts = ['.', ...others]
    for (const [what, name, rest, lines] of [
      ['list', 'list', [], Number(count) + 2],
      ['list --json', 'list', ['--json'], Number(count) + 1],
      ['list of one', 'list', [REAL], 2],
      ['show', 'show', [REAL], 13],
      ['get of one', 'get', [REAL, '-o', at('back'), '--force'], 5],
    ] as const) {
      const anew = (checkout: string) => {
        const cost = latentCost(checkout, ['vault', name, at('vault'), '-i', at('me.key'), ...rest])
        const found = cost.output.split('\n').length - 1
        if (found !== lines) throw new Error(`latent vault ${what}: ${found} lines, not ${lines}`)
        return cost
      }
      // Once before, so that compiled code is kept.
      for (const checkout of checkouts) anew(checkout)
      const costs = checkouts.map((): Cost[] => [])
      for (let i = 0; i < TIMES; i++)
        for (const [which, checkout] of checkouts.entries()) costs[which]!.push(anew(checkout))
      const told = costs.map(each => {
        // What else runs only adds to the clock: the quickest is nearest to a quiet machine.
        const seconds = Math.min(...each.map(cost => cost.seconds))
        const [processor, megabytes] = (['processor', 'megabytes'] as const).map(figure =>
          median(each.map(cost => cost[figure])),
        )
        return `${seconds.toFixed(2)} s, ${processor!.toFixed(2)} s of the processor, ${megabytes!.toFixed(0)} MB`
      })
      console.log(`latent vault ${what}: ${told.join('; there: ')}`)
    }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}
