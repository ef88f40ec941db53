import { computed, type Signal, signal } from '@preact/signals-core'
import type { Engine } from './engine.ts'
import type { Fault } from './fault.ts'
import type { KeyChoice, KeyFile, NewKey } from './keys.ts'
import type { PasskeyChoice } from './passkey.ts'

/** What the key card holds. Nothing of it is ever stored. */
export class KeyState {
  readonly kind: Signal<KeyChoice['kind']> = signal('passphrase')
  readonly passphrase = signal('')
  /** The passphrase was drawn here, and is shown. */
  readonly drawn = signal(false)
  readonly file: Signal<KeyFile | undefined> = signal(undefined)
  readonly recipients = signal('')
  /** Opens what is sealed, too; and opens by itself. */
  readonly passkey: Signal<PasskeyChoice | undefined> = signal(undefined)
  readonly fault: Signal<Fault | undefined> = signal(undefined)
  /** A key that was made here and not yet kept. */
  readonly fresh: Signal<NewKey | undefined> = signal(undefined)
  readonly choice = computed((): KeyChoice => {
    const recipients = this.recipients.value
    if (this.kind.value === 'passphrase') return { kind: 'passphrase', passphrase: this.passphrase.value }
    if (this.kind.value === 'public') return { kind: 'public', recipients }
    const passkey = this.passkey.value
    return { kind: 'file', identities: this.file.value?.identities ?? [], recipients, ...(passkey ? { passkey } : {}) }
  })
  readonly #engine: Engine
  #locked: Uint8Array | undefined

  constructor(engine: Engine) {
    this.#engine = engine
  }

  async draw(): Promise<void> {
    this.passphrase.value = await this.#engine.drawPassphrase()
    this.drawn.value = true
  }

  async read(bytes: Uint8Array, passphrase?: string): Promise<void> {
    this.fault.value = undefined
    const read = await this.#engine.readKeyFile(bytes, passphrase)
    if ('fault' in read) {
      this.fault.value = read.fault
      return
    }
    this.#locked = read.value.locked ? bytes : undefined
    this.file.value = read.value
  }

  /** Reads the encrypted key file again, with its passphrase. */
  async unlock(passphrase: string): Promise<void> {
    if (this.#locked) await this.read(this.#locked, passphrase)
  }

  async make(): Promise<void> {
    this.fresh.value = await this.#engine.newKey()
  }

  /** Takes the new key into use, once it is kept. */
  useFresh(): void {
    const { identity, recipient } = this.fresh.value!
    this.file.value = { identities: [identity], recipients: [recipient], locked: false }
    this.fault.value = undefined
    this.fresh.value = undefined
  }
}
