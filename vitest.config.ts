import { defineConfig } from 'vitest/config'

// One project: unit, property and end-to-end tests together. Tests that need a browser, the `age`
// command or LATENT_DATA skip themselves visibly where those are missing.
export default defineConfig({
  test: {
    include: ['packages/*/test/**/*.test.ts', 'test/**/*.test.ts'],
    testTimeout: 120_000,
    hookTimeout: 120_000,
    maxWorkers: 2,
  },
})
