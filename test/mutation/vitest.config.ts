import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'

const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..')
const tests = (process.env['MUTATION_TESTS'] ?? 'packages/*/test/**/*.test.ts').split(',')

/**
 * Node resolves `@latent/*` through `node_modules`, to the sources as they are: tests would then mix mutants with
 * originals. Here every name means the files beside this one.
 */
const alias = readdirSync(join(root, 'packages')).flatMap(name => {
  const { name: specifier, exports = {} } = JSON.parse(
    readFileSync(join(root, 'packages', name, 'package.json'), 'utf8'),
  ) as { name: string; exports?: Record<string, string | Record<string, string>> }
  return Object.entries(exports).map(([path, target]) => {
    const file = typeof target === 'string' ? target : (target['node'] ?? target['default']!)
    return { find: new RegExp(`^${specifier}${path.slice(1)}$`), replacement: join(root, 'packages', name, file) }
  })
})

export default defineConfig({
  root,
  resolve: { alias },
  test: {
    include: tests.filter(path => !path.startsWith('!')),
    exclude: tests.filter(path => path.startsWith('!')).map(path => path.slice(1)),
    testTimeout: 60_000,
    hookTimeout: 60_000,
    maxWorkers: 1,
  },
})
