import type { Image } from '@latent/core'
import { computed, type Signal, signal } from '@preact/signals-core'
import type { Remote } from 'comlink'
import type { Listed } from '../lab/catalogue.ts'
import type { LabServed } from '../lab/worker.ts'
import { type Fault, faultOf, type Outcome } from '../vault/fault.ts'
import type { Attacked } from './attack-run.ts'
import { DEMONSTRATIONS, type Demonstration, SOUND } from './demonstrations.ts'

/** One cipher under attack. */
export interface Line {
  readonly scheme: string
  readonly outcome: Signal<Outcome<Attacked> | undefined>
}

/** What came of an attack, in a word. From which likeness on is told in docs/studio.md. */
export type Verdict = 'opened' | 'leaks' | 'nothing' | 'gaveUp' | 'notFor'

const OPENED = 0.5
/** Above what linear fits of noise reach by the colours that pictures have in common. */
const LEAKS = 0.3

/** Judges by likeness; `squint` shows pictures from afar and is held to what noise shows. */
export function verdictOf({ found, likeness, notFor, fault }: Attacked, attack: string): Verdict {
  if (notFor !== undefined) return 'notFor'
  if (!found || fault) return 'gaveUp'
  if (likeness >= OPENED) return 'opened'
  return likeness >= (attack === 'squint' ? SQUINT_LEAKS : LEAKS) ? 'leaks' : 'nothing'
}
/** Means over squares of noise come to 0.09 at most over the page's drawings. */
const SQUINT_LEAKS = 0.12

/** What the attack view shows. Knows no page. */
export class AttackState {
  readonly chosen: Signal<Demonstration> = signal(DEMONSTRATIONS[0]!)
  readonly lines = computed((): readonly Line[] =>
    [this.chosen.value.victim, ...SOUND].map(scheme => ({ scheme, outcome: signal(undefined) })),
  )
  readonly running = signal(false)
  readonly plain: Signal<Image<'u8'> | undefined> = signal(undefined)
  /** Nothing could be attacked at all, and why. */
  readonly fault: Signal<Fault | undefined> = signal(undefined)
  readonly list: Signal<readonly Listed[]> = signal([])
  readonly #lab: Promise<Remote<LabServed>>

  constructor(lab: Promise<Remote<LabServed>>) {
    this.#lab = lab
    void lab.then(async remote => (this.list.value = await remote.catalogue()))
  }

  /** Name of a scheme, once the list is there. */
  titleOf = (id: string): string => this.list.value.find(listed => listed.id === id)?.title ?? id

  /** Weights that the victim needs and that are not part of the page. */
  readonly weights = computed(() => this.list.value.find(({ id }) => id === this.chosen.value.victim)?.weights)

  /** Attacks the victim, then those that should hold. */
  async run(source: () => Promise<Image<'u8'>>): Promise<void> {
    if (this.running.value) return
    this.running.value = true
    const { attack } = this.chosen.value
    const lines = this.lines.value
    for (const { outcome } of lines) outcome.value = undefined
    this.fault.value = undefined
    try {
      const plain = await source()
      this.plain.value = plain
      const lab = await this.#lab
      for (const { scheme, outcome } of lines) outcome.value = await lab.attack(attack, scheme, plain)
    } catch (error) {
      this.fault.value = faultOf(error)
    } finally {
      this.running.value = false
    }
  }
}
