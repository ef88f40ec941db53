import { LatentError } from '@latent/core'
import { folder as modelFolder } from '@latent/models'
import { createHash } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'

/** Where the built page is installed. */
export interface Installed {
  /** Where the build lies. */
  readonly folder: URL
  /** Where a file of the site lies that another package has. */
  readonly elsewhere?: (path: string) => URL | undefined
}

/** The built page, whatever packages its files lie in. */
export class StudioPage {
  /** What is sent with every file. */
  readonly headers: Readonly<Record<string, string>>
  readonly #installed: Installed
  readonly #listed: readonly string[]

  private constructor(installed: Installed, headers: Readonly<Record<string, string>>, listed: readonly string[]) {
    this.#installed = installed
    this.headers = headers
    this.#listed = listed
  }

  /**
   * Finds the page, and compares what other packages have of it with the hashes that `SHA256SUMS` lists.
   * @throws E_IO where there is no build, or another package has something else
   */
  static async open(installed: Installed): Promise<StudioPage> {
    const { folder, elsewhere } = installed
    const headers = JSON.parse(String(await fileOfBuild(folder, 'headers.json'))) as Record<string, string>
    const sums = String(await fileOfBuild(folder, 'SHA256SUMS'))
    const listed = Array.from(sums.matchAll(/^([0-9a-f]{64}) {2}site\/(.+)$/gm), ([, hash, path]) => ({ hash, path }))
    for (const { hash, path } of listed) {
      const place = elsewhere?.(path!)
      if (place && (await hashOf(place)) !== hash)
        throw new LatentError('E_IO', `a part of the page is not the one that it was built with: ${path}`, {
          hint: 'install Latent again',
        })
    }
    return new StudioPage(
      installed,
      headers,
      listed.map(({ path }) => path!),
    )
  }

  /** A file of the site, by its path below it. @throws what the system says where there is none */
  read(path: string): Promise<Buffer> {
    const place = this.#installed.elsewhere?.(path)
    if (place) return readFile(place)
    return readFile(new URL(`site/${path}`, this.#installed.folder)).catch((error: unknown) => {
      if (!path.startsWith(MODELS)) throw error
      return readFile(new URL(path.slice(MODELS.length), modelFolder))
    })
  }

  /** Paths of everything that is installed of the site: its files, and weights. */
  async paths(): Promise<string[]> {
    const weights = (await readdir(modelFolder)).filter(name =>
      /\.(?:json|safetensors|safetensors\.gz|weights)$/.test(name),
    )
    return [...this.#listed, ...weights.map(name => MODELS + name)]
  }
}

const MODELS = 'models/'

const hashOf = async (place: URL): Promise<string | undefined> => {
  const bytes = await readFile(place).catch(() => undefined)
  return bytes && createHash('sha256').update(bytes).digest('hex')
}

/** A file of the build. @throws E_IO where there is none */
export async function fileOfBuild(folder: URL, name: string): Promise<Buffer> {
  try {
    return await readFile(new URL(name, folder))
  } catch (cause) {
    throw new LatentError('E_IO', 'the page of Latent Studio is not built here', {
      hint: 'in a checkout, npm run studio builds it; otherwise install Latent again',
      cause,
    })
  }
}
