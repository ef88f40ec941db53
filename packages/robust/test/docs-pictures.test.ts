import { collect, Keyring, openSealed, writeCarrier } from '@latent/vault'
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { collectPictures } from '../src/collect.ts'
import { sharpPixels } from '../src/node/pixels.ts'
import { groupBytes, GROUP_PARTS, largestBlocks } from '../src/plan.ts'
import { modeOf } from '../src/channel/modes.ts'
import { pictureSize } from '../src/picture.ts'
import { PRESETS } from '../src/presets.ts'
import { FOLDER, noFlows, PASSPHRASE } from './docs-pictures.ts'

const page = readFileSync(new URL('../../../docs/robust-carrier.md', import.meta.url), 'utf8')

test.each(['lake.carrier.png', 'lake.q50.jpg'])('%s opens to the photograph of the page', async name => {
  const bytes = new Uint8Array(readFileSync(new URL(name, FOLDER)))
  const { files, errors } = await collectPictures([{ name, bytes }], sharpPixels)
  expect(errors).toEqual([])
  const [file] = files
  const opened = await openSealed(
    writeCarrier(file!.geometry, file!.pixels()),
    new Keyring({ passphrases: [PASSPHRASE] }),
    noFlows,
  )
  const photo = await collect(opened.bytes)
  expect(opened.metadata.name).toBe('lake.jpg')
  expect(photo).toEqual(new Uint8Array(readFileSync(new URL('lake.jpg', FOLDER))))
  expect(page).toContain(createHash('sha256').update(photo).digest('hex'))
})

test.each(Object.keys(PRESETS))('the rate of %s is what its largest picture carries', name => {
  const preset = PRESETS[name]!
  const { width, height } = pictureSize(largestBlocks(preset), modeOf(preset.mode))
  const rate = (8 * groupBytes(preset)) / (GROUP_PARTS * width * height)
  const row = page.split('\n').find(line => line.startsWith(`| \`${name}\` | `))
  expect(row?.split('|').at(-2)?.trim()).toBe(rate.toFixed(2))
})
