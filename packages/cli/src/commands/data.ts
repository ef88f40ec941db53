import { argumentError, LatentError } from '@latent/core'
import { onDisk, publish } from '@latent/core/node'
import { encodePng } from '@latent/core/png'
import type { Command } from 'commander'
import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { progressBar } from '../progress.ts'
import { shown, visible } from '../terminal.ts'

/** Adds `latent data` to the program. Whatever an action needs is loaded when it runs. */
export function dataCommand(program: Command): void {
  const data = program.command('data').description('data sets for the lab and for training: list, fetch, check, draw')

  data
    .command('list')
    .description('the sets that can be fetched, their terms, and which are there')
    .action(async () => {
      const { dataRoot, SOURCES } = await import('@latent/data/node')
      process.stdout.write(`data sets lie in ${visible(dataRoot())} (LATENT_DATA)\n\n`)
      for (const { name, title, terms, archives } of SOURCES) {
        const state = existsSync(join(dataRoot(), name)) ? 'there' : archives.length > 0 ? 'not fetched' : 'by hand'
        process.stdout.write(`${name.padEnd(14)} ${state.padEnd(12)} ${title}\n${' '.repeat(28)}terms: ${terms}\n`)
      }
      process.stdout.write(
        `${'procedural'.padEnd(14)} ${'built in'.padEnd(12)} pictures drawn by latent: landscapes, lettering, ` +
          'textures; no download\n',
      )
    })

  data
    .command('fetch')
    .description('download sets from their official homes and check every byte against known hashes')
    .argument('<set...>', 'bsds500, cifar10, mnist, fashion-mnist')
    .option('--mirror <url>', 'take the same archives from another address')
    .action(async (names: string[], { mirror }: { mirror?: string }) => {
      const { dataRoot, fetchData, findSource } = await import('@latent/data/node')
      for (const source of names.map(findSource)) {
        const bar = progressBar(`fetch ${source.name}`)
        let [file, before] = ['', 0]
        try {
          const outcome = await fetchData(source, dataRoot(), {
            ...(mirror === undefined ? {} : { mirror }),
            onProgress(current, received, total) {
              if (current !== file) [file, before] = [current, 0]
              bar.total(total ?? received)
              bar.add(received - before)
              before = received
            },
            onMovedAside: (part, to) => bar.note(shown`${part} was not the published one; what lay there is now ${to}`),
          })
          bar.end()
          const what = outcome === 'present' ? 'already there' : `fetched to ${visible(join(dataRoot(), source.name))}`
          process.stdout.write(`${source.name}: ${what}, content as published\nterms: ${source.terms}\n`)
        } finally {
          bar.end()
        }
      }
    })

  data
    .command('check')
    .description('compare sets that are there with the hashes of their published content')
    .argument('<set...>')
    .action(async (names: string[]) => {
      const { dataRoot, findSource, mismatches } = await import('@latent/data/node')
      const wrong: string[] = []
      for (const source of names.map(findSource)) {
        const parts = await mismatches(source, dataRoot())
        const found = parts.length === 0 ? 'as published' : `missing or altered: ${visible(parts.join(', '))}`
        process.stdout.write(`${source.name}: ${found}\n`)
        if (parts.length > 0) wrong.push(source.name)
      }
      if (wrong.length > 0)
        throw new LatentError('E_HASH', `not the published content: ${wrong.join(', ')}`, {
          hint: 'latent data fetch brings what is published, and moves what is altered aside',
        })
    })

  data
    .command('draw')
    .description('write pictures drawn by latent as PNG files')
    .argument('<folder>')
    .option('-n, --count <number>', 'how many', '16')
    .option('--width <pixels>', 'width', '512')
    .option('--height <pixels>', 'height', '384')
    .action(async (folder: string, options: Record<'count' | 'width' | 'height', string>) => {
      const { proceduralSet } = await import('@latent/data')
      const [count, width, height] = (['count', 'width', 'height'] as const).map(name => {
        const text = options[name]
        if (!/^[1-9]\d{0,3}$/.test(text) || Number(text) > 8192)
          throw argumentError(`--${name}`, 'a whole number from 1 to 8192', text)
        return Number(text)
      }) as [number, number, number]
      for (const picture of proceduralSet(count, width, height)) {
        const bytes = encodePng(await picture.load())
        // Drawn before, by a run that was cut off, it is the same.
        await publish(join(folder, `${picture.id}.png`), [bytes], {
          hint: 'give a new folder',
          replace: async path => Buffer.from(bytes).equals(await readFile(onDisk(path))),
        })
      }
      process.stdout.write(`${count} pictures in ${visible(folder)}\n`)
    })
}
