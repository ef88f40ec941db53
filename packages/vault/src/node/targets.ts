import type { Found } from './discover.ts'
import type { Journal } from './journal.ts'
import { distinctName, foldedName, hiddenName, isHiddenName, portableName, sealedName } from './sealed-names.ts'

/**
 * Gives every file its name in the output before work begins, in the order of their paths. No two get
 * names that any file system takes for one. A file keeps the name that an earlier run gave it.
 */
export class Targets {
  readonly #journal: Journal
  readonly #taken = new Map<string, string>()
  readonly #of = new Map<string, string>()
  readonly #given = new Set<string>()
  readonly #hide: boolean

  /** @param others paths below the output of files that are inputs, and not sealed by an earlier run */
  constructor(files: readonly Found[], journal: Journal, others: readonly string[], hide = false) {
    this.#hide = hide
    this.#journal = journal
    for (const other of others) this.#taken.set(foldedName(other), other)
    for (const { target } of journal.expected()) this.#taken.set(foldedName(target), target)
    // Where a folder must be, no file can.
    for (const { relative } of hide ? [] : files)
      for (const folder of foldersOf(sealedName(relative))) this.#taken.set(foldedName(folder), folder)
    const inOrder = files.toSorted((a, b) => (a.relative < b.relative ? -1 : 1))
    const fresh = inOrder.filter(file => !this.#keep(file.relative))
    for (const { relative } of fresh) this.#choose(relative)
  }

  of({ relative }: Pick<Found, 'relative'>): string {
    return this.#of.get(relative)!
  }

  /** Another name for a file whose own the target refuses. */
  portable({ relative }: Pick<Found, 'relative'>): string {
    return this.#give(relative, portableName(relative))
  }

  /** Is this sealed file that of a source of this run? */
  isOfThisRun(target: string): boolean {
    return this.#given.has(target)
  }

  #keep(relative: string): boolean {
    const { by } = this.#journal
    const plain = sealedName(relative)
    const unmarked = this.#journal.latest(plain)
    // What another machine or version 0.1.0 wrote says nothing of the source but by its name.
    const target =
      this.#journal.targetOf(by, this.#journal.mark('name', relative), this.#hide) ??
      (unmarked && unmarked.by !== by ? plain : undefined)
    if (target === undefined || this.isOfThisRun(target) || isHiddenName(target) !== this.#hide) return false
    this.#give(relative, target)
    return true
  }

  #choose(relative: string): void {
    if (this.#hide) {
      this.#give(relative, hiddenName(this.#journal.mark('hidden', relative)))
      return
    }
    const free = [sealedName(relative), distinctName(relative)].find(name => !this.#taken.has(foldedName(name)))
    this.#give(relative, free ?? distinctName(relative))
  }

  #give(relative: string, target: string): string {
    this.#taken.set(foldedName(target), target)
    this.#given.add(target)
    this.#of.set(relative, target)
    return target
  }
}

function foldersOf(target: string): string[] {
  const parts = target.split(/[\\/]/).slice(0, -1)
  return parts.map((_, i) => parts.slice(0, i + 1).join('/'))
}
