import sharp from 'sharp'
import type * as Script from '../../packages/robust/test/browser-page.ts'
import { chromium, openPage } from '../../test/browser/page.ts'

/** One thread of a page in Chromium: a part made, and its JPEG read, the best of five. */
export async function browser(): Promise<void> {
  console.log('\n## Speed in Chromium, MB of payload a second, one thread, best of five\n')
  if (chromium === undefined) return console.log('no Chromium is installed')
  const page = await openPage<typeof Script>(new URL('../../packages/robust/test/browser-page.ts', import.meta.url))
  try {
    let [made, read] = [0, 0]
    for (let turn = 0; turn < 5; turn++) {
      const { png, speed } = await page.call.made()
      made = Math.max(made, speed)
      const back = await page.call.readBack(new Uint8Array(await sharp(png).jpeg({ quality: 75 }).toBuffer()))
      if (back.frames < back.of) throw new Error(`${back.of - back.frames} codewords were lost`)
      read = Math.max(read, back.speed)
    }
    console.log('| mode | make | read, JPEG q75 |\n| --- | --- | --- |')
    console.log(`| 2 | ${made.toFixed(2)} | ${read.toFixed(2)} |`)
  } finally {
    await page.close()
  }
}
