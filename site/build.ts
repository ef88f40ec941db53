import { cpSync, globSync, rmSync } from 'node:fs'
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
// Reports of the lab are pages already. The verdict matrix goes with the data and rows that it links to.
for (const report of globSync('**/*.html', { cwd: pages })) cpSync(join(pages, report), join(here, 'dist', report))
cpSync(join(pages, 'lab', 'matrix'), join(here, 'dist', 'lab', 'matrix'), { recursive: true })
process.stdout.write('site/dist/index.html\n')
