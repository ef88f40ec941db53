import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { checkBundles, checkPage } from './browser.ts'
import { checkCommand, checkWeights } from './command.ts'
import { checkBackend, checkImports, checkInstallScripts, checkSnippet } from './library.ts'
import { pack } from './pack.ts'
import { ROOT } from './packages.ts'
import { checkStudio } from './page.ts'
import { Project, runtimes } from './project.ts'
import { expectRan, kilobytes, ok, skipped } from './report.ts'
import { checkManifests } from './manifests.ts'

/**
 * Packs everything that is published, installs it into an empty project outside the repository as a stranger would, and
 * runs there what the README shows: `npm run pack:check`. What this machine lacks is skipped, and said.
 */
execFileSync('npm', ['ci', '--prefix', join(ROOT, 'release/tools')], {
  stdio: ['ignore', 'ignore', 'inherit'],
  shell: process.platform === 'win32',
})
const tarballs = await pack()
for (const { name, size, unpackedSize } of tarballs)
  process.stdout.write(`         ${name}: ${kilobytes(size)} packed, ${kilobytes(unpackedSize)} unpacked\n`)
await checkManifests(tarballs)

const nodes = runtimes()
if (!nodes.some(({ version }) => version.startsWith('v20.'))) skipped('Node 20', 'there is none in the path')
const project = new Project()
try {
  // Weights of single schemes are left out at first: most people have no use for them.
  const [version] = tarballs.map(({ version }) => version)
  const first = tarballs.filter(({ name }) => !name.startsWith('@latent/models-'))
  expectRan('npm install', project.install(first.map(({ path }) => path)))
  ok(`npm install of ${first.length} tarballs into an empty project, scripts and all`)
  checkInstallScripts(project)
  for (const node of nodes) {
    checkBackend(project, node, 'plain')
    checkImports(project, node, first)
    checkSnippet(project, node)
    checkCommand(project, node, version!)
    checkStudio(project, node, tarballs)
  }
  await checkBundles(project)
  await checkPage(project)
  checkWeights(project, nodes[0]!, tarballs)
} finally {
  project.remove()
}

const asDocumented = new Project()
try {
  const paths = tarballs.filter(({ name }) => !name.startsWith('@latent/models-')).map(({ path }) => path)
  expectRan('npm install --ignore-scripts', asDocumented.install(paths, '--ignore-scripts'))
  checkBackend(asDocumented, nodes[0]!, 'without scripts')
} finally {
  asDocumented.remove()
}
