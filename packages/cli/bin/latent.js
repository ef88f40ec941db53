#!/usr/bin/env node
// Latent needs Node 22.12 or later. Where an older one starts it, the Node 24 that was installed
// beside it as a package takes over.
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import module, { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const [major, minor] = process.versions.node.split('.').map(Number)
const here = dirname(fileURLToPath(import.meta.url))
const main = [join(here, '../dist/main.js'), join(here, '../src/main.ts')].find(existsSync)

if (major > 22 || (major === 22 && minor >= 18)) {
  // Start-up is most of the time of a small command; compiled code is kept for the next one.
  module.enableCompileCache?.()
  await import(main)
} else {
  const require = createRequire(import.meta.url)
  const names = [`node-${process.platform}-${process.arch}`, `node-bin-${process.platform}-${process.arch}`, `node-win-${process.arch}`]
  const packages = names.flatMap(name => {
    try {
      return [dirname(require.resolve(`${name}/package.json`))]
    } catch {
      return []
    }
  })
  const node = packages.flatMap(folder => [join(folder, 'bin/node'), join(folder, 'bin/node.exe')]).find(existsSync)
  if (!node) {
    process.stderr.write(`latent: error: Node ${process.versions.node} is too old\nhint: install Node 24\n`)
    process.exit(2)
  }
  const { status, signal } = spawnSync(node, [main, ...process.argv.slice(2)], { stdio: 'inherit' })
  if (signal) process.kill(process.pid, signal)
  process.exit(status ?? 3)
}
