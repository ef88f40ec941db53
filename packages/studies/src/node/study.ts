import { argumentError, type Image, LatentError } from '@latent/core'
import { encodePng } from '@latent/core/png'
import { publish } from '@latent/core/node'
import { dataRoot, openData, readLabelledSet } from '@latent/data/node'
import { MARKS, publishText } from '@latent/lab/node'
import { existsSync } from 'node:fs'
import { mkdir, readFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { figureFile, pageMarkdown, type Study, type StudyContext, type StudyPage, tableData } from '../index.ts'

/** Where a study is written, and from which data (`LATENT_DATA` by default). */
export interface WriteStudyOptions extends Pick<StudyContext, 'seed' | 'quick' | 'progress'> {
  readonly folder: string
  readonly root?: string
  /** The command that does this, for the foot of the page. */
  readonly command: string
}

const processorMs = (): number => {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1000
}

/** Runs a study and writes `README.md`, its figures, and `results.json`: the page with its tables as data. */
export async function writeStudy(
  study: Study,
  { folder, seed, quick, progress, root = dataRoot(), command }: WriteStudyOptions,
): Promise<void> {
  const page = await study.run({
    seed,
    quick,
    progress,
    processorMs,
    images: async (source, limit) => load(source, limit, root),
    labels: async source => labelsOf(source, root),
    file: async path => fileOf(join(root, path)),
  })
  await writePage(page, { folder, file: 'README.md', command })
  const sections = page.sections.map(({ heading, tables = [] }) => ({ heading, tables: tables.map(tableData) }))
  await publishText(
    join(folder, 'results.json'),
    `${JSON.stringify({ study: study.id, seed, quick, sections }, undefined, 1)}\n`,
    MARKS.results,
  )
}

/** A page as Markdown, its figures beside it. */
export async function writePage(
  page: StudyPage,
  { folder, file, command }: { folder: string; file: string; command: string },
): Promise<void> {
  await mkdir(folder, { recursive: true })
  const figures = page.sections.flatMap(section => section.figures ?? [])
  const names = figures.map(figureFile)
  if (new Set(names).size !== names.length)
    throw new LatentError('E_INTERNAL', `two figures of the page ${JSON.stringify(page.title)} have one name`)
  if (page.lead !== undefined && !figures.some(({ name }) => name === page.lead))
    throw new LatentError('E_INTERNAL', `the page ${JSON.stringify(page.title)} has no figure ${page.lead} to lead it`)
  const path = join(folder, file)
  // Figures of an earlier run are those that its page shows.
  const before = existsSync(path) ? await readFile(path, 'utf8') : ''
  const replace = (target: string) => before.includes(MARKS.study) && before.includes(`](${basename(target)})`)
  for (const figure of figures)
    await publish(
      join(folder, figureFile(figure)),
      ['svg' in figure ? new TextEncoder().encode(figure.svg) : encodePng(figure.image, 9)],
      { replace },
    )
  await publishText(path, pageMarkdown(page, command), MARKS.study)
}

async function load(
  source: string,
  limit: number | undefined,
  root: string,
): Promise<{ id: string; image: Image<'u8'> }[]> {
  const { pictures } = await openData(source, root)
  return Promise.all(
    pictures.slice(0, limit).map(async source => {
      const picture = await source.load()
      if (picture.format !== 'u8')
        throw new LatentError('E_DATA', `${source.id} has 16-bit samples, and studies take 8-bit pictures`)
      return { id: source.id, image: picture as Image<'u8'> }
    }),
  )
}

async function labelsOf(source: string, root: string): Promise<Uint8Array> {
  const [set = '', split] = source.split('/')
  if (split !== 'train' && split !== 'test')
    throw argumentError('source', 'a split of a labelled set, such as cifar10/test', source)
  return (await readLabelledSet(set, split, Infinity, root)).labels
}

async function fileOf(path: string): Promise<Uint8Array> {
  try {
    return new Uint8Array(await readFile(path))
  } catch (cause) {
    throw new LatentError('E_DATA', `cannot read ${path}`, {
      hint:
        'set LATENT_DATA to a folder that holds this file; published vortex keys are no set that ' +
        'latent data fetch knows',
      cause,
    })
  }
}
