import { LatentError } from '@latent/core'
import type { Image } from '@latent/core'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import sharp from 'sharp'

/** All pictures of a folder, decoded, in order of name; RGB, or grey where the file is. @throws E_DATA */
export async function decodeFolder(folder: string): Promise<Image<'u8'>[]> {
  let names: string[]
  try {
    names = (await readdir(folder)).filter(name => /\.(jpe?g|png)$/i.test(name)).sort()
  } catch (cause) {
    throw new LatentError('E_DATA', `the pictures of ${folder} could not be read`, { hint: 'say where the data sets lie with --data or LATENT_DATA', cause })
  }
  if (names.length === 0) throw new LatentError('E_DATA', `${folder} holds no JPEG or PNG files`)
  return Promise.all(
    names.map(async name => {
      try {
        const { data, info } = await sharp(join(folder, name)).removeAlpha().raw().toBuffer({ resolveWithObject: true })
        return { width: info.width, height: info.height, channels: info.channels, format: 'u8' as const, data: new Uint8Array(data) }
      } catch (cause) {
        throw new LatentError('E_DATA', `${name} could not be decoded`, { cause })
      }
    }),
  )
}
