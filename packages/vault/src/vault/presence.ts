import { bodyOfBytes } from '../store/store.ts'
import { drawnName, FOLDERS } from './layout.ts'
import type { Vault } from './vault.ts'

/** A writer says so often that it is alive. */
const ALIVE_MS = 10 * 60_000

/** Tells others that somebody writes: `prune` waits. */
export class Presence {
  readonly #vault: Vault
  #name: string
  #timer: NodeJS.Timeout | undefined

  private constructor(vault: Vault) {
    this.#vault = vault
    this.#name = `${FOLDERS.writers}${drawnName()}`
  }

  /** @throws E_STORE; E_CREDENTIALS */
  static async begin(vault: Vault): Promise<Presence> {
    const presence = new Presence(vault)
    await vault.store.create(presence.#name, bodyOfBytes(new Uint8Array(0)))
    presence.#timer = setInterval(() => void presence.#renew(), ALIVE_MS).unref()
    return presence
  }

  async #renew(): Promise<void> {
    const before = this.#name
    const next = `${FOLDERS.writers}${drawnName()}`
    try {
      await this.#vault.store.create(next, bodyOfBytes(new Uint8Array(0)))
      this.#name = next
      await this.#vault.store.remove(before)
    } catch {
      // It is told again in ten minutes; an hour of silence counts as the end.
    }
  }

  async end(): Promise<void> {
    clearInterval(this.#timer)
    await this.#vault.store.remove(this.#name).catch(() => undefined)
  }
}
