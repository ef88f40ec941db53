// A store of one's own: objects as rows of a SQLite file. The tests run the contract of all stores over it.
//
//   node examples/own-store/store.ts VAULT.sqlite FILE...      stores files under their hashes, and lists them
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { bodyOfBytes, exactly, checkFolder, checkName, StoreFault } from '@latent/vault'
import type { ByteRange, ObjectBody, ObjectInfo, Store } from '@latent/vault'

export class SqliteStore implements Store {
  readonly address: string
  readonly #db: DatabaseSync

  constructor(path: string) {
    this.address = `sqlite:${path}`
    this.#db = new DatabaseSync(path)
    this.#db.exec('create table if not exists objects (name text primary key, bytes blob, modified integer)')
  }

  async createsOnly(): Promise<boolean> {
    return true
  }

  async *list(folder: string): AsyncGenerator<ObjectInfo> {
    const rows = this.#db
      .prepare('select name, length(bytes) as size, modified from objects where substr(name, 1, ?) = ?')
      .all(checkFolder(folder).length, folder)
    for (const { name, size, modified } of rows)
      yield { name: String(name), size: Number(size), modified: Number(modified) }
  }

  async stat(name: string): Promise<ObjectInfo | undefined> {
    const row = this.#db
      .prepare('select length(bytes) as size, modified from objects where name = ?')
      .get(checkName(name))
    return row && { name, size: Number(row['size']), modified: Number(row['modified']) }
  }

  async *read(name: string, range: ByteRange = { from: 0, to: Infinity }): AsyncGenerator<Uint8Array> {
    const row = this.#db.prepare('select bytes from objects where name = ?').get(checkName(name))
    if (!row) throw new StoreFault('absent', `there is no object ${name}`)
    yield (row['bytes'] as Uint8Array).subarray(range.from, range.to)
  }

  async create(name: string, body: ObjectBody): Promise<'created' | 'exists'> {
    checkName(name)
    const parts: Uint8Array[] = []
    for await (const part of exactly(body.parts(), body.size, `cannot write ${name}`)) parts.push(part)
    const { changes } = this.#db
      .prepare('insert or ignore into objects values (?, ?, ?)')
      .run(name, Buffer.concat(parts), Date.now())
    return changes === 1 ? 'created' : 'exists'
  }

  async remove(name: string): Promise<void> {
    this.#db.prepare('delete from objects where name = ?').run(checkName(name))
  }

  // SQLite flushes at the end of every statement.
  async sync(): Promise<void> {}

  async close(): Promise<void> {
    this.#db.close()
  }
}

const [path, ...files] = process.argv.slice(2)
if (import.meta.main && path !== undefined) {
  const store = new SqliteStore(path)
  for (const file of files) {
    const bytes = readFileSync(file)
    await store.create(`files/${createHash('sha256').update(bytes).digest('hex')}`, bodyOfBytes(bytes))
  }
  for await (const { name, size } of store.list('files/')) process.stdout.write(`${name}  ${size} bytes\n`)
  await store.close()
}
