import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort } from './store-servers.ts'

/** Debian's redis-server is there. */
export const REDIS = spawnSync('redis-server', ['--version']).status === 0

/** A Redis on loopback that keeps nothing, which tests start, kill and start again at the same port. */
export class RedisServer {
  readonly port: number
  readonly url: string
  readonly #folder = mkdtempSync(join(tmpdir(), 'latent-redis-'))
  readonly #options: readonly string[]
  #child: ChildProcess | undefined

  private constructor(port: number, options: readonly string[]) {
    this.port = port
    this.url = `redis://127.0.0.1:${port}`
    this.#options = options
  }

  static async start(...options: string[]): Promise<RedisServer> {
    const server = new RedisServer(await freePort(), options)
    await server.restart()
    return server
  }

  async restart(): Promise<void> {
    const fixed = ['--port', String(this.port), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no']
    this.#child = spawn('redis-server', [...fixed, '--dir', this.#folder, ...this.#options], { stdio: 'ignore' })
    for (let tries = 0; !(await answers(this.port)); tries++) {
      if (tries > 400 || this.#child.exitCode !== null) throw new Error('redis-server does not answer')
      await new Promise(resolve => setTimeout(resolve, 25))
    }
  }

  /** As a loss of power would: what it held is gone. */
  async kill(): Promise<void> {
    const child = this.#child!
    const ended = new Promise(resolve => child.once('exit', resolve))
    child.kill('SIGKILL')
    await ended
  }

  async stop(): Promise<void> {
    await this.kill()
    rmSync(this.#folder, { recursive: true, force: true })
  }

  /** Asks it something by its own client. */
  ask(...command: string[]): string {
    return spawnSync('redis-cli', ['-p', String(this.port), ...command], { encoding: 'utf8', maxBuffer: 1 << 26 })
      .stdout
  }

  /** Everything that it holds, as text and bytes that somebody with access to it reads. */
  dump(): string {
    const names = this.ask('--scan').trim().split('\n').filter(Boolean)
    const how: Record<string, string[]> = {
      hash: ['hgetall'],
      list: ['lrange', '0', '-1'],
      zset: ['zrange', '0', '-1'],
      set: ['smembers'],
      stream: ['xrange', '-', '+'],
      string: ['get'],
    }
    return names
      .map(name => {
        const [read, ...rest] = how[this.ask('type', name).trim()] ?? ['get']
        return `${name}\n${this.ask(read!, name, ...rest)}`
      })
      .join('\n')
  }
}

function answers(port: number): Promise<boolean> {
  return new Promise(resolve => {
    const socket = connect(port, '127.0.0.1', () => socket.write('PING\r\n'))
    socket.once('data', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', () => resolve(false))
  })
}
