/**
 * How many guesses find a passphrase, as zxcvbn estimates it: words, names, keyboards, dates and repetitions
 * count for what they are worth. One guess costs an attacker what opening costs us: about a second, 256 MiB.
 */
export interface Strength {
  /** As text, rounded: `1,000` or `10^12`. */
  readonly guesses: string
  readonly verdict: 'refused' | 'weak' | 'strong'
}

/** Powers of ten. Below the first an afternoon on one machine finds it; below the second, a determined attacker may. */
export const REFUSED_BELOW = 4
/** A passphrase that fewer than 10 to this power guesses are expected to find is weak. */
export const WEAK_BELOW = 10
/** The estimate takes time that grows with the length, and nothing as long is weak for its length. */
const LOOKED_AT = 128

/** How many guesses are expected to find a passphrase, by zxcvbn's estimate. */
export async function strengthOf(passphrase: string): Promise<Strength> {
  const [{ ZxcvbnFactory }, { adjacencyGraphs, dictionary }] = await Promise.all([
    import('@zxcvbn-ts/core'),
    import('@zxcvbn-ts/language-common'),
  ])
  const { guessesLog10 } = new ZxcvbnFactory({ dictionary, graphs: adjacencyGraphs }).check(
    passphrase.slice(0, LOOKED_AT),
  )
  const guesses =
    guessesLog10 < 6 ? Math.ceil(10 ** guessesLog10).toLocaleString('en') : `10^${Math.round(guessesLog10)}`
  return { guesses, verdict: guessesLog10 < REFUSED_BELOW ? 'refused' : guessesLog10 < WEAK_BELOW ? 'weak' : 'strong' }
}
