import { LatentError, toHex } from '@latent/core'
import { holdLock, ioError } from '@latent/core/node'
import { createHash } from 'node:crypto'
import { createReadStream, existsSync } from 'node:fs'
import { copyFile, mkdir, readdir, readFile, rename, rm } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { gunzipSync } from 'node:zlib'
import { isPictureFile } from './sets.ts'
import { download, requireAddress } from './download.ts'
import { unpack } from './unpack.ts'

/**
 * Data sets from their authors' own addresses. What is checked is the content (SHA-256 of unpacked
 * files), so that a repacked archive passes and an altered picture does not.
 */
export interface Source {
  readonly name: string
  readonly title: string
  readonly terms: string
  readonly archives: readonly Archive[]
  /** How to come by it where no archive holds it as it is used here. */
  readonly byHand?: string
  /** SHA-256 of a file's bytes (unpacked where it ends in .gz), or of a folder (see `digestOf`). */
  readonly contents: Readonly<Record<string, string>>
}

interface Archive {
  readonly url: string
  /** For a tar archive: member folders to keep, and where below the set's folder they go. */
  readonly members?: Readonly<Record<string, string>>
  readonly md5?: string
}

const idxFiles = (home: string): Archive[] =>
  ['train-images-idx3', 'train-labels-idx1', 't10k-images-idx3', 't10k-labels-idx1'].map(file => ({
    url: `${home}${file}-ubyte.gz`,
  }))

/** Every published set that can be fetched, with its terms, its home, and the hash of what it must be. */
export const SOURCES: readonly Source[] = [
  {
    name: 'bsds500',
    title: 'Berkeley Segmentation Data Set 500 (Arbelaez, Maire, Fowlkes, Malik; TPAMI 33(5), 2011): 500 photos',
    terms: 'non-commercial research and educational purposes; cite the paper',
    archives: [
      {
        url: 'https://www2.eecs.berkeley.edu/Research/Projects/CS/vision/grouping/BSR/BSR_bsds500.tgz',
        members: {
          'BSR/BSDS500/data/images/train': 'train',
          'BSR/BSDS500/data/images/val': 'val',
          'BSR/BSDS500/data/images/test': 'test',
        },
      },
    ],
    contents: {
      train: 'd11b47a6ba844165ee2b83967b6ad02642713627e839c1d81ec319b256e4384e',
      val: '9d061d5664e72c068ecf3f5652d31aaa8a4bc4b2cfcf0aa84ce65740ddc7603c',
      test: '4c86e4cce33a730f38bc8ca8405f310af5b69fa90f12ebaf4112d5f56081d774',
    },
  },
  {
    name: 'open-photos',
    title: 'photographs that anyone may use: 25 of CLIC 2025 at half size (train), 25 of the GB82 image set (val)',
    terms: 'train: Unsplash License, free for any use; val: CC0',
    archives: [],
    byHand:
      'train: the 25 pictures of the CLIC 2025 validation set below 4 MiB, halved with Lanczos, as ' +
      'clic-NAME.png; val: the 25 PNG files of the GB82 image set; latent data check open-photos tells whether ' +
      'they are the ones that trainings here used',
    contents: {
      train: '1c73456c517ebfd3725a737e1e18599f29d1f78472729adb534f9163c665ccf3',
      val: '5c64f79b39e46fa4f9c254e5054c0818456b57bef66f824ee4fc133968ee42c0',
    },
  },
  {
    name: 'cifar10',
    title: 'CIFAR-10 (Krizhevsky 2009): 60,000 pictures of 32 x 32',
    terms: 'none stated; cite "Learning Multiple Layers of Features from Tiny Images"',
    // The digest is the one printed on the authors' page; it covers the test batch too.
    archives: [
      {
        url: 'https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz',
        md5: 'c32a1d4ab5d03f1284b67883e8d87530',
        members: { 'cifar-10-batches-bin': '.' },
      },
    ],
    contents: {
      'data_batch_1.bin': 'cee916563c9f80d84e3cc88e17fdc0941787f1244f00a67874d45b261883ada5',
      'data_batch_2.bin': 'a591ca11fa1708a91ee40f54b3da4784ccd871ecf2137de63f51ada8b3fa57ed',
      'data_batch_3.bin': 'bbe8596564c0f86427f876058170b84dac6670ddf06d79402899d93ceea26f67',
      'data_batch_4.bin': '014e562d6e23c72197cc727519169a60359f5eccd8945ad5a09d710285ff4e48',
      'data_batch_5.bin': '755304fc0b379caeae8c14f0dac912fbc7d6cd469eb67a1029a08a39453a9add',
    },
  },
  {
    name: 'mnist',
    title: 'MNIST (LeCun, Cortes, Burges): 70,000 digits of 28 x 28',
    terms: 'Creative Commons Attribution-ShareAlike 3.0',
    // The authors' page no longer serves the files to programs; this is the copy that PyTorch keeps.
    archives: idxFiles('https://ossci-datasets.s3.amazonaws.com/mnist/'),
    contents: {
      'train-images-idx3-ubyte.gz': 'ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db',
      'train-labels-idx1-ubyte.gz': '65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5',
      't10k-images-idx3-ubyte.gz': '0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7',
      't10k-labels-idx1-ubyte.gz': 'ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2',
    },
  },
  {
    name: 'fashion-mnist',
    title: 'Fashion-MNIST (Xiao, Rasul, Vollgraf 2017): 70,000 articles of 28 x 28',
    terms: 'MIT, (c) 2017 Zalando SE',
    archives: idxFiles('http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/'),
    contents: {
      'train-images-idx3-ubyte.gz': 'c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888',
      'train-labels-idx1-ubyte.gz': 'bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9',
      't10k-images-idx3-ubyte.gz': '5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b',
      't10k-labels-idx1-ubyte.gz': '0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34',
    },
  },
]

/** @throws E_ARGUMENT */
export function findSource(name: string): Source {
  const source = SOURCES.find(candidate => candidate.name === name)
  if (!source)
    throw new LatentError('E_ARGUMENT', `there is no data set ${JSON.stringify(name)}`, {
      hint: `known sets: ${SOURCES.map(known => known.name).join(', ')}`,
    })
  return source
}

/**
 * SHA-256 of a file (of its unpacked bytes if it ends in .gz), or of a folder's pictures: the hash of
 * the lines "name sha256\n" of its pictures in the order of their names.
 */
export async function digestOf(path: string): Promise<string> {
  const entries = await readdir(path, { withFileTypes: true }).catch(() => undefined)
  if (!entries) return sha256(await contentsOf(path))
  const names = entries.flatMap(entry => (entry.isFile() && isPictureFile(entry.name) ? [entry.name] : [])).sort()
  let lines = ''
  for (const name of names) lines += `${name} ${sha256(await readFile(join(path, name)))}\n`
  return sha256(new TextEncoder().encode(lines))
}

/** Far above any of these sets. */
const MAX_UNPACKED = 2 ** 30

/** @throws E_DATA for a damaged gzip file */
async function contentsOf(path: string): Promise<Uint8Array> {
  const bytes = await readFile(path)
  if (!path.endsWith('.gz')) return bytes
  try {
    return gunzipSync(bytes, { maxOutputLength: MAX_UNPACKED })
  } catch (cause) {
    throw new LatentError('E_DATA', `${path} is no whole gzip file of a usual size`, { cause })
  }
}

const sha256 = (bytes: Uint8Array): string => toHex(createHash('sha256').update(bytes).digest())

/** Parts of a set whose content is missing or not the published one; empty where all is well. */
export async function mismatches(source: Source, root: string): Promise<string[]> {
  const wrong: string[] = []
  for (const [part, digest] of Object.entries(source.contents)) {
    if ((await digestIfThere(join(root, source.name, part))) !== digest) wrong.push(part)
  }
  return wrong
}

async function digestIfThere(path: string): Promise<string | undefined> {
  try {
    return existsSync(path) ? await digestOf(path) : undefined
  } catch (error) {
    // What cannot be unpacked or read is not the published content, whatever it is.
    if ((error instanceof LatentError && error.code === 'E_DATA') || (error as NodeJS.ErrnoException).code === 'EISDIR')
      return undefined
    throw ioError(error, `cannot read ${path}`)
  }
}

/**
 * Whether a part of a set (`bsds500/train`) is what its authors publish: nothing where no published content
 * is known, or the part lies there in another form than it is published in.
 */
export async function isPublished(name: string, root: string): Promise<boolean | undefined> {
  const [set, split] = name.split('/') as [string, string?]
  const source = SOURCES.find(known => known.name === set)
  const prefixes = split === undefined ? [] : [split, ...(PARTS[split] ?? [])]
  const parts = Object.entries(source?.contents ?? {}).filter(([part]) =>
    prefixes.some(prefix => part === prefix || part.startsWith(`${prefix}-`) || part.startsWith(`${prefix}_`)),
  )
  if (parts.length === 0) return undefined
  for (const [part, digest] of parts) {
    const path = [part, part.replace(/\.gz$/, '')].map(file => join(root, set, file)).find(file => existsSync(file))
    if (path === undefined) return undefined
    if ((await digestIfThere(path)) !== digest) return false
  }
  return true
}

/** How the files of a split are called. */
const PARTS: Readonly<Record<string, readonly string[]>> = { train: ['data_batch'], test: ['t10k', 'test_batch'] }

/** Where a set comes from, and who is told. */
export interface FetchOptions {
  /**
   * Downloads from `BASE/<file name>` instead of the official home: a mirror on the network, or a folder as a file:
   * address.
   */
  readonly mirror?: string
  readonly onProgress?: (file: string, received: number, total: number | undefined) => void
  /** What was there in the place of a part and was not it: nothing is deleted that Latent did not download. */
  readonly onMovedAside?: (part: string, to: string) => void
}

/**
 * Downloads, unpacks and checks a set into `root`. What is already there and right is kept; nothing is
 * put in place before it has been checked. A download that was cut off goes on where it stopped.
 * @throws E_ARGUMENT for a mirror that is no address; E_IO (no connection); E_HASH (not the published content); E_DATA
 * (an archive that reaches out of its folder); E_LIMIT; E_EXISTS while another process fetches the set
 */
export async function fetchData(
  source: Source,
  root: string,
  options: FetchOptions = {},
): Promise<'fetched' | 'present'> {
  if (options.mirror !== undefined) requireAddress(options.mirror)
  if ((await mismatches(source, root)).length === 0) return 'present'
  if (source.archives.length === 0)
    throw new LatentError('E_DATA', `no archive holds ${source.name} as it is used here`, {
      hint: source.byHand ?? 'put the set under LATENT_DATA by hand',
    })
  const work = join(root, `.${source.name}.fetch`)
  try {
    await mkdir(root, { recursive: true })
  } catch (error) {
    throw ioError(error, `cannot make the folder ${root}`)
  }
  const lock = await holdLock(`${work}.lock`, `is fetching ${source.name}`)
  let keep = false
  try {
    await fetchInto(source, root, work, options)
    return 'fetched'
  } catch (error) {
    // What came so far is worth keeping if the connection broke, and for nothing else.
    keep =
      error instanceof LatentError &&
      error.code === 'E_IO' &&
      (await readdir(join(work, 'archives')).catch(() => [])).length > 0
    throw ioError(error, `cannot fetch ${source.name}`)
  } finally {
    if (!keep) await rm(work, { recursive: true, force: true })
    await lock.release()
  }
}

async function fetchInto(
  source: Source,
  root: string,
  work: string,
  { mirror, onProgress, onMovedAside }: FetchOptions,
): Promise<void> {
  const staged = join(work, 'staged', source.name)
  await rm(join(work, 'staged'), { recursive: true, force: true })
  await mkdir(staged, { recursive: true })
  await mkdir(join(work, 'archives'), { recursive: true })
  for (const { url, members, md5 } of source.archives) {
    const file = basename(new URL(url).pathname)
    const archive = join(work, 'archives', file)
    const address = mirror === undefined ? url : new URL(file, mirror.replace(/\/*$/, '/')).href
    await download(address, archive, (received, total) => onProgress?.(file, received, total))
    if (md5 !== undefined && (await md5Of(archive)) !== md5)
      throw new LatentError('E_HASH', `${address} is not the archive its authors describe`, {
        hint: 'fetch it again; if it stays, the server has other files than its authors published',
      })
    if (members) await unpack(archive, members, join(work, 'unpacked'), staged)
    // A copy: what came need not come again if the next one fails.
    else await copyFile(archive, join(staged, file))
  }
  const wrong = await mismatches(source, join(work, 'staged'))
  if (wrong.length > 0)
    throw new LatentError(
      'E_HASH',
      `what was downloaded for ${source.name} is not the published content: ${wrong.join(', ')}`,
      { hint: 'fetch it again; if it stays, the server has other files than its authors published' },
    )
  await putInPlace(source, staged, join(root, source.name), onMovedAside)
}

async function putInPlace(
  source: Source,
  staged: string,
  target: string,
  onMovedAside: FetchOptions['onMovedAside'],
): Promise<void> {
  await mkdir(target, { recursive: true })
  for (const part of await readdir(staged)) {
    const [from, to] = [join(staged, part), join(target, part)]
    const known = source.contents[part]
    if (existsSync(to)) {
      if (known === undefined || (await digestIfThere(to)) === known) continue
      const aside = await freeName(`${to}.replaced`)
      await rename(to, aside)
      onMovedAside?.(part, aside)
    }
    await mkdir(dirname(to), { recursive: true })
    await rename(from, to)
  }
}

async function freeName(path: string): Promise<string> {
  for (let n = 1; ; n++) {
    const name = n === 1 ? path : `${path}-${n}`
    if (!existsSync(name)) return name
  }
}

async function md5Of(path: string): Promise<string> {
  const hash = createHash('md5')
  await pipeline(createReadStream(path), hash)
  return hash.digest('hex')
}
