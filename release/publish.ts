import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { repositoryUrl } from './manifest.ts'
import { pack, type Tarball } from './pack.ts'
import { readManifest, releaseVersion, ROOT } from './packages.ts'
import { kilobytes } from './report.ts'

/**
 * Packs and publishes every package, those first that others need: `npm run release -- --dry-run` says what it would
 * be, file by file. Publishing asks for a clean tree, an entry in the change log, and a place that can vouch for where
 * the packages come from, which is the service that builds a tag.
 */
const { values } = parseArgs({ options: { 'dry-run': { type: 'boolean', default: false } } })
const version = releaseVersion()
const obstacles = [
  readFileSync(join(ROOT, 'CHANGELOG.md'), 'utf8').includes(`\n## [${version}]`)
    ? []
    : `CHANGELOG.md has no entry for ${version}`,
  execFileSync('git', ['status', '--porcelain'], { cwd: ROOT, encoding: 'utf8' }) === ''
    ? []
    : 'the working tree has changes',
  repositoryUrl(readManifest(ROOT)) === undefined
    ? 'nothing says where the repository is: set "repository" in package.json'
    : [],
].flat()
if (!values['dry-run'] && obstacles.length > 0) throw new Error(obstacles.join('; '))

const tarballs = neededFirst(await pack())
for (const { name, version, size, unpackedSize, files, path } of tarballs) {
  process.stdout.write(
    `${name}@${version}  ${kilobytes(size)} packed, ${kilobytes(unpackedSize)} unpacked, ${files.length} files\n`,
  )
  if (values['dry-run'])
    for (const file of files) process.stdout.write(`  ${String(file.size).padStart(9)}  ${file.path}\n`)
  else
    execFileSync('npm', ['publish', path, '--access', 'public', '--provenance'], {
      stdio: 'inherit',
      shell: process.platform === 'win32',
    })
}
if (values['dry-run']) {
  process.stdout.write(
    '\n' +
      `nothing was published: ${tarballs.length} ` +
      `packages, ${kilobytes(tarballs.reduce((sum, { size }) => sum + size, 0))}\n`,
  )
  for (const obstacle of obstacles) process.stdout.write(`before a release: ${obstacle}\n`)
}

function neededFirst(tarballs: readonly Tarball[]): Tarball[] {
  const sorted: Tarball[] = []
  const visit = (tarball: Tarball): void => {
    if (sorted.includes(tarball)) return
    for (const name of Object.keys(readManifest(tarball.folder).dependencies ?? {})) {
      const needed = tarballs.find(other => other.name === name)
      if (needed) visit(needed)
    }
    sorted.push(tarball)
  }
  tarballs.forEach(visit)
  return sorted
}
