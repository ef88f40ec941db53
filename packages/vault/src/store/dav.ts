import { LatentError, randomBytes, toHex } from '@latent/core'
import { setTimeout as pause } from 'node:timers/promises'
import { type ByteRange, checkFolder, checkName, exactly, type ObjectBody, type ObjectInfo, within } from './store.ts'
import { type FaultKind, type Store, StoreFault } from './store.ts'

/** Where a share is, and who asks. */
export interface DavPlace {
  /** `http:` or `https:`, without user and password. */
  readonly url: string
  readonly username?: string
  readonly password?: string
}

/** A server that says nothing for so long does not answer. */
const SILENCE_MS = 60_000
/** A locked place is asked for so often, with a wait that grows by so much: a second in all. */
const [LOCKED_ATTEMPTS, LOCKED_WAIT_MS] = [6, 60]
/** A listing of a folder of more bytes is none of ours. */
const MOST_LISTING = 64 * 1024 * 1024

/**
 * A folder of a WebDAV server (RFC 4918). An object is sent under a passing name and moved to its own with
 * `Overwrite: F`, so that nobody sees a part of it and nothing is replaced.
 */
export class DavStore implements Store {
  readonly address: string
  readonly #base: URL
  readonly #headers: Readonly<Record<string, string>>
  /** Folders that are there, or are being made: servers lock what two requests want to make at once. */
  readonly #made = new Map<string, Promise<void>>()

  constructor({ url, username, password }: DavPlace) {
    this.#base = new URL(url.endsWith('/') ? url : `${url}/`)
    this.address = this.#base.href.replace(/^http/, 'dav').replace(/\/$/, '')
    this.#headers =
      username === undefined
        ? {}
        : { authorization: `Basic ${Buffer.from(`${username}:${password ?? ''}`).toString('base64')}` }
  }

  async createsOnly(): Promise<boolean> {
    return true
  }

  async *list(folder: string): AsyncGenerator<ObjectInfo> {
    checkFolder(folder)
    const folders = [folder]
    while (folders.length > 0) {
      for (const entry of await this.#entries(folders.pop()!)) {
        if (entry.folder) folders.push(entry.info.name)
        else if (!entry.info.name.split('/').at(-1)!.startsWith(PASSING)) yield entry.info
      }
    }
  }

  /** What lies in one folder. */
  async #entries(folder: string): Promise<readonly { readonly info: ObjectInfo; readonly folder: boolean }[]> {
    const answer = await this.#ask('PROPFIND', folder, { headers: { depth: '1' } })
    if (answer.status === 404) {
      await answer.body?.cancel()
      return []
    }
    await this.#expect(answer, `cannot list ${this.address}`, 207)
    const entries = await this.#parse(await limitedText(answer))
    return entries.filter(({ info }) => info.name !== folder)
  }

  async #parse(xml: string): Promise<{ info: ObjectInfo; folder: boolean }[]> {
    // Loaded when a share is listed: nothing else waits for it.
    const { XMLParser } = await import('fast-xml-parser')
    const parsed = new XMLParser({ removeNSPrefix: true, parseTagValue: false }).parse(xml) as {
      multistatus?: { response?: unknown }
    }
    return listOf(parsed.multistatus?.response).flatMap(response => {
      const { href, propstat } = response as { href?: unknown; propstat?: unknown }
      const prop = (listOf(propstat) as { prop?: Record<string, unknown>; status?: string }[]).find(
        ({ status }) => status === undefined || / 200 /.test(`${status} `),
      )?.prop
      const path = this.#relative(typeof href === 'string' ? href : '')
      if (path === undefined || !prop) return []
      const folder = typeof prop['resourcetype'] === 'object' && 'collection' in (prop['resourcetype'] ?? {})
      const modified = Date.parse(String(prop['getlastmodified']))
      return {
        folder,
        info: {
          name: folder && path !== '' && !path.endsWith('/') ? `${path}/` : path,
          size: Number(prop['getcontentlength'] ?? 0),
          ...(Number.isNaN(modified) ? {} : { modified }),
        },
      }
    })
  }

  /** The name below the base; nothing for what lies elsewhere. */
  #relative(href: string): string | undefined {
    try {
      const path = decodeURIComponent(new URL(href, this.#base).pathname)
      const base = decodeURIComponent(this.#base.pathname)
      return `${path}/` === base ? '' : path.startsWith(base) ? path.slice(base.length) : undefined
    } catch {
      return undefined
    }
  }

  async stat(name: string): Promise<ObjectInfo | undefined> {
    const answer = await this.#ask('HEAD', checkName(name))
    if (answer.status === 404) return undefined
    await this.#expect(answer, `cannot look at ${name}`, 200)
    const modified = Date.parse(answer.headers.get('last-modified') ?? '')
    return {
      name,
      size: Number(answer.headers.get('content-length') ?? 0),
      ...(Number.isNaN(modified) ? {} : { modified }),
    }
  }

  async *read(name: string, range?: ByteRange): AsyncGenerator<Uint8Array> {
    if (range && range.from >= range.to) return
    const what = `cannot read ${name}`
    const answer = await this.#ask('GET', checkName(name), {
      headers: range ? { range: `bytes=${range.from}-${range.to - 1}` } : {},
    })
    if (answer.status === 404) throw new StoreFault('absent', `there is no object ${name} in ${this.address}`)
    if (answer.status === 416) return
    await this.#expect(answer, what, 200, 206)
    const length = answer.headers.get('content-length')
    const body = (answer.body ?? []) as AsyncIterable<Uint8Array>
    try {
      const whole = length === null ? body : exactly(body, Number(length), what)
      yield* range ? within(whole, range, answer.headers.get('content-range')) : whole
    } catch (error) {
      throw this.#unanswered(error, what)
    }
  }

  async create(name: string, body: ObjectBody): Promise<'created' | 'exists'> {
    const what = `cannot write ${name}`
    const folder = checkName(name).slice(0, name.lastIndexOf('/') + 1)
    const passing = `${folder}${PASSING}${toHex(randomBytes(16))}`
    await this.#makeFolder(folder)
    try {
      const sent = await this.#ask('PUT', passing, {
        // Node sends what can be iterated; the types know streams alone.
        body: exactly(body.parts(), body.size, what) as unknown as ReadableStream<Uint8Array>,
        duplex: 'half',
        headers: { 'content-type': 'application/octet-stream', 'content-length': String(body.size) },
      })
      // The folder was removed by another program since.
      if (sent.status === 409) this.#made.clear()
      await this.#expect(sent, what, 200, 201, 204)
      const moved = await this.#unlocked(() =>
        this.#ask('MOVE', passing, { headers: { destination: this.#url(name).href, overwrite: 'F' } }),
      )
      if (moved.status === 412) {
        await this.remove(passing)
        return 'exists'
      }
      await this.#expect(moved, what, 201, 204)
      return 'created'
    } catch (error) {
      await this.remove(passing).catch(() => undefined)
      throw error
    }
  }

  #makeFolder(folder: string): Promise<void> {
    if (folder === '') return Promise.resolve()
    const making = this.#made.get(folder) ?? this.#make(folder)
    this.#made.set(folder, making)
    making.catch(() => this.#made.delete(folder))
    return making
  }

  async #make(folder: string): Promise<void> {
    await this.#makeFolder(folder.slice(0, folder.lastIndexOf('/', folder.length - 2) + 1))
    const answer = await this.#unlocked(() => this.#ask('MKCOL', folder))
    // 405: it is there.
    await this.#expect(answer, `cannot make the folder ${folder}`, 201, 405)
  }

  async remove(name: string): Promise<void> {
    const answer = await this.#ask('DELETE', name)
    await this.#expect(answer, `cannot remove ${name}`, 200, 202, 204, 404)
  }

  /** An answer means that the server has it. */
  async sync(): Promise<void> {}
  async close(): Promise<void> {}

  #url(name: string): URL {
    return new URL(name, this.#base)
  }

  async #ask(method: string, name: string, init: RequestInit & { duplex?: 'half' } = {}): Promise<Response> {
    try {
      return await fetch(this.#url(name), {
        method,
        redirect: 'error',
        signal: AbortSignal.timeout(SILENCE_MS),
        ...init,
        headers: { ...this.#headers, ...(init.headers as Record<string, string> | undefined) },
      })
    } catch (error) {
      throw this.#unanswered(error, `${method} of ${name === '' ? this.address : name}`)
    }
  }

  /** Asks again, a few times and soon, where somebody else is at the same place at this moment: servers lock it. */
  async #unlocked(ask: () => Promise<Response>): Promise<Response> {
    for (let attempt = 1; ; attempt++) {
      const answer = await ask()
      if (answer.status !== 423 || attempt === LOCKED_ATTEMPTS) return answer
      await answer.body?.cancel()
      await pause(LOCKED_WAIT_MS * attempt * (0.5 + Math.random()))
    }
  }

  /** Reads the answer to its end. @throws StoreFault unless it has one of these statuses */
  async #expect(answer: Response, what: string, ...statuses: readonly number[]): Promise<void> {
    if (statuses.includes(answer.status)) {
      // The connection is used again only when nothing is left to read.
      if (![200, 206, 207].includes(answer.status)) await answer.body?.cancel()
      return
    }
    await answer.body?.cancel()
    throw new StoreFault(
      kindOf(answer.status),
      `${what}: ${this.address} answers ${answer.status} ${answer.statusText}`,
    )
  }

  #unanswered(error: unknown, what: string): LatentError {
    // What the caller's own bytes ended with lies behind the request's failure.
    for (let cause = error; cause instanceof Error; cause = cause.cause) if (cause instanceof LatentError) return cause
    return new StoreFault('busy', `${what}: ${this.address} does not answer`, { cause: error })
  }
}

/** How names begin under which objects are sent. */
const PASSING = '_sending-'

function kindOf(status: number): FaultKind {
  if (status === 401 || status === 403) return 'denied'
  if (status === 404) return 'absent'
  if (status === 507) return 'full'
  return status >= 500 || status === 408 || status === 423 || status === 425 || status === 429 || status === 409
    ? 'busy'
    : 'refused'
}

const listOf = (value: unknown): unknown[] => (value === undefined ? [] : Array.isArray(value) ? value : [value])

async function limitedText(answer: Response): Promise<string> {
  const decoder = new TextDecoder()
  let [text, size] = ['', 0]
  for await (const part of (answer.body ?? []) as AsyncIterable<Uint8Array>) {
    size += part.length
    if (size > MOST_LISTING) throw new StoreFault('refused', 'the listing of a folder is too large')
    text += decoder.decode(part, { stream: true })
  }
  return text + decoder.decode()
}
