import { LatentError } from '@latent/core'
import type * as Bull from 'bullmq'
import type { Redis } from 'ioredis'

/** The packages that speak with Redis; loaded where a queue is asked for. */
interface Packages {
  readonly bull: typeof Bull
  readonly Redis: typeof Redis
}

/** Where a Redis is, and what it is told to let us in. */
export interface RedisPlace {
  readonly host: string
  readonly port: number
  readonly db: number
  readonly username?: string
  readonly password?: string
  readonly tls?: object
}

/** A queue that answers. */
export interface QueueConnection {
  readonly bull: typeof Bull
  /** As a person writes it, without credentials. */
  readonly address: string
  /** A connection of its own, which waits for Redis to come back when it is gone. */
  connect(): Redis
}

const CONNECT_MS = 10_000
const FORM = 'redis://host:6379 or rediss://host:6379 (with TLS), and /1 behind it for another database'

/**
 * Tries the Redis at an address, and whether it may drop what it was given. Credentials: those in the address, else
 * `LATENT_REDIS_USERNAME` and `LATENT_REDIS_PASSWORD`.
 * @throws E_ARGUMENT; E_QUEUE if it does not answer, or may drop jobs, or the packages are not installed; E_CREDENTIALS
 */
export async function openQueue(text: string): Promise<QueueConnection> {
  const { place, address } = parseQueueAddress(text)
  const { bull, Redis } = await load()
  const first = new Redis({ ...place, lazyConnect: true, retryStrategy: () => null, connectTimeout: CONNECT_MS })
  let told: unknown
  first.on('error', (error: unknown) => void (told ??= error))
  try {
    await first.connect()
    expectNoEviction(address, await first.info('memory'))
  } catch (error) {
    throw error instanceof LatentError ? error : refusal(address, told ?? error)
  } finally {
    first.disconnect()
  }
  const connect = () =>
    new Redis({
      ...place,
      maxRetriesPerRequest: null,
      retryStrategy: (attempt: number) => Math.min(100 * 2 ** Math.min(attempt, 6), 5000),
    }).on('error', () => undefined)
  return { bull, address, connect }
}

/** The address of a Redis, without what is secret. Errors never quote it: it may hold a password. @throws E_ARGUMENT */
export function parseQueueAddress(text: string): { place: RedisPlace; address: string } {
  const malformed = () => new LatentError('E_ARGUMENT', 'this is no address of a queue', { hint: FORM })
  let url: URL
  try {
    url = new URL(text)
  } catch {
    throw malformed()
  }
  const db = /^\/?(\d{0,4})$/.exec(url.pathname)?.[1]
  if (!['redis:', 'rediss:'].includes(url.protocol) || url.hostname === '' || db === undefined || url.search !== '')
    throw malformed()
  const username = decodeURIComponent(url.username) || process.env['LATENT_REDIS_USERNAME']
  const password = decodeURIComponent(url.password) || process.env['LATENT_REDIS_PASSWORD']
  const port = url.port === '' ? 6379 : Number(url.port)
  const place: RedisPlace = {
    host: url.hostname.replace(/^\[(.*)\]$/, '$1'),
    port,
    db: Number(db),
    ...(username ? { username } : {}),
    ...(password ? { password } : {}),
    ...(url.protocol === 'rediss:' ? { tls: {} } : {}),
  }
  return { place, address: `${url.protocol}//${url.hostname}:${port}${db === '' ? '' : `/${db}`}` }
}

async function load(): Promise<Packages> {
  try {
    const [bull, { Redis }] = await Promise.all([import('bullmq'), import('ioredis')])
    return { bull, Redis }
  } catch {
    throw new LatentError('E_QUEUE', 'queues need the packages bullmq and ioredis, which are not installed', {
      hint: 'npm install bullmq@6.7.0 ioredis@6.0.0',
    })
  }
}

/** A Redis that evicts would lose jobs while it is full, and say nothing. */
function expectNoEviction(address: string, info: string): void {
  const policy = /^maxmemory_policy:(\S+)/m.exec(info)?.[1]
  if (policy === undefined || policy === 'noeviction') return
  throw new LatentError('E_QUEUE', `the Redis at ${address} drops what it holds when it is full (${policy})`, {
    hint: 'set maxmemory-policy noeviction in redis.conf, or use another Redis',
  })
}

function refusal(address: string, error: unknown): LatentError {
  const reason = error instanceof Error ? error.message : ''
  // What Redis says of passwords begins with these words; none of its answers is passed on.
  if (/^(?:WRONGPASS|NOAUTH|NOPERM|ERR AUTH)/.test(reason) || /invalid.*password/i.test(reason))
    return new LatentError('E_CREDENTIALS', `the Redis at ${address} refuses the credentials`, {
      hint: 'LATENT_REDIS_USERNAME and LATENT_REDIS_PASSWORD, or in the address',
    })
  return new LatentError('E_QUEUE', `the Redis at ${address} does not answer`, {
    hint: 'is redis-server running there, and may this machine reach it?',
  })
}
