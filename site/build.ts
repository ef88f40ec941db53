import { cpSync, readdirSync, rmSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'vitepress'
import { writeApi } from './api.ts'

/** The documentation as a site, into `site/dist`: `npm run docs`. Links that lead nowhere end it. */
const here = dirname(fileURLToPath(import.meta.url))
// Beside the site's own modules: pages become modules too, and look for theirs from where they lie.
const pages = join(here, 'pages')
rmSync(pages, { recursive: true, force: true })
cpSync(join(here, '..', 'docs'), pages, { recursive: true })
await writeApi(join(pages, 'api'))
await build(here)
const lab = join(pages, 'lab')
for (const report of readdirSync(lab).filter(name => name.endsWith('.html')))
  cpSync(join(lab, report), join(here, 'dist', 'lab', report))
// The verdict matrix, with the data and rows that its page links to.
cpSync(join(lab, 'matrix'), join(here, 'dist', 'lab', 'matrix'), { recursive: true })
process.stdout.write('site/dist/index.html\n')
