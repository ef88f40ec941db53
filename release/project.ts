import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { ROOT } from './packages.ts'

/** A Node to run what is published with. */
export interface Runtime {
  readonly version: string
  readonly path: string
}

/** The Node that runs this, and others in the path: one of each major version. */
export function runtimes(): Runtime[] {
  const paths = [
    process.execPath,
    ...(process.env['PATH'] ?? '')
      .split(delimiter)
      .map(folder => join(folder, process.platform === 'win32' ? 'node.exe' : 'node'))
      .filter(existsSync),
  ]
  const found = paths.map(path => ({ path, version: execFileSync(path, ['--version'], { encoding: 'utf8' }).trim() }))
  return [...new Map(found.map(runtime => [runtime.version.split('.')[0], runtime])).values()]
}

export interface Ran {
  readonly code: number
  readonly out: string
  readonly err: string
}

/** An empty project outside the repository, as a stranger has it. */
export class Project {
  readonly folder = mkdtempSync(join(tmpdir(), 'latent-packed-'))
  /** What npm sets for its scripts must not reach the stranger's npm: `ignore-scripts` of this repository above all. */
  readonly #environment: NodeJS.ProcessEnv

  constructor() {
    const home = join(this.folder, 'home')
    mkdirSync(home)
    const path = (process.env['PATH'] ?? '').split(delimiter).filter(part => !part.includes('node_modules'))
    this.#environment = {
      ...Object.fromEntries(
        Object.entries(process.env).filter(([name]) => !/^npm_|^NODE_|^VITEST|^LATENT_|^INIT_CWD$/i.test(name)),
      ),
      HOME: home,
      PATH: path.join(delimiter),
    }
    // Where the registry is, and nothing else of the settings of whoever runs this.
    const registry = execFileSync('npm', ['config', 'get', 'registry'], {
      cwd: tmpdir(),
      encoding: 'utf8',
      shell: process.platform === 'win32',
    }).trim()
    writeFileSync(join(home, '.npmrc'), `registry=${registry}\naudit=false\nfund=false\nupdate-notifier=false\n`)
    this.write('app/package.json', JSON.stringify({ name: 'stranger', private: true, type: 'module' }))
  }

  get app(): string {
    return join(this.folder, 'app')
  }

  write(path: string, content: string | Uint8Array): string {
    const at = join(this.folder, path)
    mkdirSync(join(at, '..'), { recursive: true })
    writeFileSync(at, content)
    return at
  }

  read(path: string): Uint8Array {
    return new Uint8Array(readFileSync(join(this.folder, path)))
  }

  /** Installs tarballs, or names from the registry. */
  install(what: readonly string[], ...options: readonly string[]): Ran {
    return this.#spawn('npm', ['install', ...options, ...what], {})
  }

  /** Runs a script of the project, or a command that it installed. */
  run(runtime: Runtime, script: string, args: readonly string[] = [], environment: NodeJS.ProcessEnv = {}): Ran {
    return this.#spawn(runtime.path, [script, ...args], environment)
  }

  latent(runtime: Runtime, ...args: readonly string[]): Ran {
    return this.run(runtime, join(this.app, 'node_modules/latent/bin/latent.js'), args)
  }

  #spawn(command: string, args: readonly string[], environment: NodeJS.ProcessEnv): Ran {
    const { status, stdout, stderr } = spawnSync(command, args, {
      cwd: this.app,
      encoding: 'utf8',
      env: { ...this.#environment, ...environment },
      maxBuffer: 2 ** 26,
      timeout: 900_000,
      shell: process.platform === 'win32' && command === 'npm',
    })
    return { code: status ?? -1, out: stdout, err: stderr }
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true })
  }
}

/** A file of the repository that checks need. */
export const repositoryFile = (path: string): string => join(ROOT, path)
