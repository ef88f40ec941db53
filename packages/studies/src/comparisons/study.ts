import { type PublishedScheme, publishedFor } from '@latent/lab'
import { findScheme } from '@latent/schemes'
import type { Study, StudyContext, StudySection, StudyTable } from '../study.ts'
import { type Comparison, COMPARISONS } from './tables.ts'
import { glanceSection } from './glance.ts'
import { isRegistered, type Measured, measureSystem } from './measure.ts'
import { phaseSection } from './phases.ts'
import { verdict } from './verdict.ts'

const PICTURES = { source: 'open-photos/val@64', count: 4 }
const QUICK = { source: 'procedural:1', count: 1 }

/** Every system of three papers' comparisons: what is printed of it, what was measured here, and what came of it. */
export const study: Study = {
  id: 'comparisons',
  title: 'The systems that papers compare themselves with',
  async run(context) {
    const { source, count } = context.quick ? QUICK : PICTURES
    const pictures = await context.images(source, count)
    const ids = [...new Set(COMPARISONS.flatMap(({ systems }) => systems))]
    const measured = new Map<string, Measured>()
    for (const [done, id] of ids.entries()) {
      if (isRegistered(id)) measured.set(id, await measureSystem(id, pictures, context.seed, context.processorMs))
      context.progress(done + 1, ids.length, 'systems')
    }
    return {
      title: this.title,
      intro: introOf(context, pictures.length, source, ids),
      sections: [
        glanceSection(measured, ids.length),
        ...COMPARISONS.map(comparison => sectionOf(comparison, measured)),
        await phaseSection(context),
        missingSection(ids),
        derivationSection(ids),
      ],
    }
  },
}

const introOf = ({ quick }: StudyContext, count: number, source: string, ids: readonly string[]): string[] => [
  `Learned ciphers argue by tables of others. Here ${ids.filter(isRegistered).length} of the ${ids.length} systems ` +
    `below ran on the same ${count} pictures (\`${source}\`) in one run; the rest keep a row that says what is ` +
    'missing. Printed figures were measured on other pictures, mostly unnamed ones.',
  'A flat histogram, an entropy near 8 and a correlation near 0 are what AES in any mode has, and what several ' +
    'systems have that one known picture opens: [what breaks what](../../lab/matrix/matrix.html) has a row for each ' +
    'that runs. Of exact ciphers a PSNR is infinite, and says nothing.',
  'Status: *published* runs as its paper has it; *reconstructed* fills in what is not public; *variant* takes its ' +
    'idea alone. NPCR and UACI are of one changed sample: 99.61 % and 33.46 % would be noise. Times are of ' +
    `the processor, all its threads together.${quick ? ' **This was a quick run: its figures mean nothing.**' : ''}`,
]

const COLUMNS = [
  'system',
  'row',
  'PSNR',
  'SSIM',
  'entropy',
  'correlation H, V, D',
  'NPCR',
  'UACI',
  'key space',
  'encrypt, decrypt',
  'verdict',
]

function sectionOf({ heading, text, systems }: Comparison, all: ReadonlyMap<string, Measured>): StudySection {
  const rows = systems.flatMap(id => {
    const [published, measured] = [publishedFor(id), all.get(id)]
    return [
      ...(published ? [publishedRow(id, published)] : []),
      measured
        ? measuredRow(id, measured, published)
        : [label(id), 'missing', ...Array<string>(8).fill('–'), 'see below'],
    ]
  })
  return { heading, text: [text], tables: [{ columns: COLUMNS, rows }] }
}

const label = (id: string): string => (isRegistered(id) ? `\`${id}\` (${findScheme(id).role})` : id)

function publishedRow(id: string, { figures }: PublishedScheme): string[] {
  const of = (metric: string) =>
    figures
      .filter(figure => figure.metric === metric)
      .map(({ value }) => value)
      .join('; ') || 'not open'
  return [
    label(id),
    'printed',
    of('psnr'),
    of('ssim'),
    of('entropy'),
    of('correlation'),
    '',
    '',
    of('key-space'),
    '',
    '',
  ]
}

function measuredRow(id: string, measured: Measured, published: PublishedScheme | undefined): string[] {
  const { exact, psnr, ssim, entropy, correlation, npcr, uaci, keyBits, encryptMs, decryptMs } = measured
  const percent = (share: number | undefined) => (share === undefined ? '–' : `${(100 * share).toFixed(2)} %`)
  return [
    label(id),
    'measured',
    exact ? 'exact' : psnr === undefined ? '–' : `${psnr.toFixed(2)} dB`,
    ssim?.toFixed(4) ?? '–',
    entropy?.toFixed(4) ?? '–',
    correlation?.map(value => value.toFixed(4)).join(', ') ?? '–',
    percent(npcr),
    percent(uaci),
    keyBits === undefined ? '–' : `at most 2^${keyBits}`,
    `${milliseconds(encryptMs)}, ${decryptMs === undefined ? 'never' : milliseconds(decryptMs)}`,
    verdict(published, measured),
  ]
}

const milliseconds = (value: number): string => `${value < 10 ? value.toFixed(1) : value.toFixed(0)} ms`

function missingSection(ids: readonly string[]): StudySection {
  const rows = ids.flatMap(id => {
    const published = publishedFor(id)
    return isRegistered(id) || !published
      ? []
      : [[published.citation, published.missing ?? '', published.remarks.join(' ')]]
  })
  return {
    heading: 'What is missing',
    text: ['Systems that do not run here, and what it would take.'],
    tables: [{ columns: ['system', 'missing', 'known'], rows }],
  }
}

function derivationSection(ids: readonly string[]): StudySection {
  const tables = ids.flatMap((id): StudyTable[] => {
    const { derivation = [] } = isRegistered(id) ? findScheme(id) : {}
    return derivation.length === 0
      ? []
      : [
          {
            columns: [`\`${id}\``, 'value', 'where from'],
            rows: derivation.map(({ name, value, standing }) => [name, value, standing]),
          },
        ]
  })
  return {
    heading: 'Where every constant comes from',
    text: [
      '*source*: stated in public material on the system; *inferred* from it; *ours* where nothing is known. The ' +
        'pages of ' +
        '[the schemes](../README.md) say it of the others.',
    ],
    tables,
  }
}
