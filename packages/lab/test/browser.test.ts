import { expect, test } from 'vitest'
import { chromium, openPage } from '../../../test/browser/page.ts'
import * as script from './fixtures/browser-entry.ts'
import { atLength, LONG } from '../../../test/long.ts'

// Engines differ in the last digits of exp and log.
const rounded = (value: unknown): unknown =>
  JSON.parse(JSON.stringify(value, (_, v: unknown) => (typeof v === 'number' ? Number(v.toPrecision(9)) : v)))

test.skipIf(!chromium || !LONG)(`a browser measures what Node measures${atLength}`, async () => {
  const page = await openPage<typeof script>(new URL('fixtures/browser-entry.ts', import.meta.url))
  try {
    expect(rounded(await page.call.measureEverywhere())).toEqual(rounded(await script.measureEverywhere()))
  } finally {
    await page.close()
  }
})
