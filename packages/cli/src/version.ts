import { readFileSync } from 'node:fs'

/** Of this command: its `package.json` is the one place that says the version of all packages. */
export const { version: VERSION } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
  version: string
}
