import type { Image } from '@latent/core'
import { batch, computed, type Signal, signal } from '@preact/signals-core'
import type { Remote } from 'comlink'
import type { Listed } from '../lab/catalogue.ts'
import { schemeInExplore } from '../lab/chosen-scheme.ts'
import { ownWeights } from '../lab/own-weights.ts'
import type { LabServed } from '../lab/worker.ts'
import { type Fault, type Outcome, outcome } from '../vault/fault.ts'
import type { Reaction, Study } from './study.ts'

/** Pixels a side that can be chosen. */
export const SIZES = [64, 128, 256] as const

/** Brings the chosen picture to a shape. */
export type Source = (shape: { readonly side: number; readonly channels: 1 | 3 }) => Promise<Image<'u8'>>

/** What is painted on the cipher picture. */
export type Brush = 'erase' | 'noise'

/** Pixels a side of a stroke, as a part of the picture's. */
const STROKE = 1 / 10

/** What the explore view shows. Knows no page. */
export class ExploreState {
  readonly list: Signal<readonly Listed[]> = signal([])
  readonly scheme = schemeInExplore
  readonly side: Signal<(typeof SIZES)[number]> = signal(128)
  readonly study: Signal<Study | undefined> = signal(undefined)
  readonly fault: Signal<Fault | undefined> = signal(undefined)
  readonly busy = signal(false)
  readonly reaction: Signal<Reaction | undefined> = signal(undefined)
  readonly brush: Signal<Brush> = signal('erase')
  /** The cipher picture with what was done to it. */
  readonly damaged: Signal<Image<'u8'> | undefined> = signal(undefined)
  readonly restored: Signal<Image<'u8'> | undefined> = signal(undefined)
  readonly restoreFault: Signal<Fault | undefined> = signal(undefined)
  readonly listed = computed(() => this.list.value.find(({ id }) => id === this.scheme.value))
  readonly #lab: Promise<Remote<LabServed>>
  #latest = 0

  constructor(lab: Promise<Remote<LabServed>>) {
    this.#lab = lab
    void lab.then(async remote => (this.list.value = await remote.catalogue()))
  }

  /** Puts the picture through the scheme; what was asked for before is dropped. */
  async run(source: Source): Promise<void> {
    const [turn, scheme] = [++this.#latest, this.scheme.peek()]
    this.busy.value = true
    try {
      const lab = await this.#lab
      const shape = await lab.shapeFor(scheme, this.side.peek())
      const plain = await outcome(() => source(shape))
      if (turn !== this.#latest) return
      const found: Outcome<Study> =
        'fault' in plain ? plain : await lab.study(scheme, plain.value, ownWeights.peek().get(scheme)?.bytes)
      if (turn !== this.#latest) return
      batch(() => {
        this.fault.value = 'fault' in found ? found.fault : undefined
        this.study.value = 'value' in found ? found.value : undefined
        this.reaction.value = undefined
        this.undo()
      })
    } finally {
      if (turn === this.#latest) this.busy.value = false
    }
  }

  /** Changes one pixel of the plain picture. */
  async touch(x: number, y: number): Promise<void> {
    const found: Outcome<Reaction> = await (await this.#lab).react(x, y)
    this.reaction.value = 'value' in found ? found.value : undefined
    if ('fault' in found) this.fault.value = found.fault
  }

  /** Paints a square about a place of the cipher picture; nothing is decrypted yet. */
  paint(x: number, y: number): void {
    const cipher = this.damaged.value ?? this.study.value!.cipher
    const { width, height, channels } = cipher
    const data = cipher.data.slice()
    const reach = Math.max(1, Math.round((width * STROKE) / 2))
    for (let row = Math.max(0, y - reach); row < Math.min(height, y + reach); row++)
      for (let column = Math.max(0, x - reach); column < Math.min(width, x + reach); column++)
        for (let c = 0; c < channels; c++)
          data[(row * width + column) * channels + c] =
            this.brush.value === 'erase' ? 0 : Math.floor(256 * Math.random())
    this.damaged.value = { ...cipher, data }
  }

  /** Paints from side to side, and decrypts. */
  async paintMiddle(): Promise<void> {
    const { width, height } = this.study.value!.cipher
    for (let x = 0; x < width; x += Math.max(1, Math.round((width * STROKE) / 2))) this.paint(x, height >> 1)
    await this.restore()
  }

  /** Takes another picture for the cipher picture, and decrypts. */
  async replace(damaged: Image<'u8'>): Promise<void> {
    this.damaged.value = damaged
    await this.restore()
  }

  /** Decrypts what was damaged. */
  async restore(): Promise<void> {
    const damaged = this.damaged.value
    if (!damaged) return
    const found: Outcome<Image<'u8'>> = await (await this.#lab).restore(damaged.data)
    if (damaged !== this.damaged.value) return
    batch(() => {
      this.restored.value = 'value' in found ? found.value : undefined
      this.restoreFault.value = 'fault' in found ? found.fault : undefined
    })
  }

  /** Takes all damage back. */
  undo(): void {
    batch(() => {
      this.damaged.value = undefined
      this.restored.value = undefined
      this.restoreFault.value = undefined
    })
  }
}
