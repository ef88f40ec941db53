import { readFileSync } from 'node:fs'

/**
 * How many files this process may have open at once. Node raises what may be raised when it starts, so that little is
 * left only where an administrator or a container says so; Linux tells, of others nothing is known.
 */
export function mostOpenFiles(): number {
  try {
    const [, soft] = /^Max open files +(\d+|unlimited)/m.exec(readFileSync('/proc/self/limits', 'latin1')) ?? []
    return soft === undefined || soft === 'unlimited' ? Infinity : Number(soft)
  } catch {
    return Infinity
  }
}
