import { encodePng } from '@latent/core/png'
import { drawPicture } from '@latent/data'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

/**
 * Drawn pictures in the place of the published ones that recipes train on, `FOLDER/bsds500/SPLIT/NUMBER.png`: enough to
 * train on where what is learned is not looked at.
 */
export async function drawPhotos(folder: string, counts = { train: 3, val: 2 }): Promise<void> {
  for (const [split, count] of Object.entries(counts)) {
    await mkdir(join(folder, 'bsds500', split), { recursive: true })
    for (let i = 0; i < count; i++)
      await writeFile(
        join(folder, 'bsds500', split, `${i}.png`),
        encodePng(await drawPicture('shapes', 160, 140, i + (split === 'val' ? 9 : 0))),
      )
  }
}
