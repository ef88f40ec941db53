import picomatch from 'picomatch'

/**
 * What a pattern fits: a path that it names, what lies in a folder that it names, and paths of its form: `*`, `?`,
 * `**`, `[abc]` and `{jpg,png}`. One without a slash is of names. Every other character means itself, as names of
 * photos have it: `photo (1).jpg`, `!important.txt`.
 */
export function pathMatcher(pattern: string): (path: string) => boolean {
  const plain = pattern.replace(/^\.?\//, '').replace(/\/$/, '')
  const isName = !plain.includes('/')
  if (plain === '') return () => true
  const fits = picomatch(plain.replaceAll(/[()|]/g, String.raw`\$&`), {
    dot: true,
    nonegate: true,
    noextglob: true,
    basename: isName,
  })
  return path => path === plain || path.startsWith(`${plain}/`) || (isName && path.endsWith(`/${plain}`)) || fits(path)
}

/** Some paths out of many, by patterns; all of them where there is no pattern. */
export class PathSelection {
  readonly #patterns: readonly { readonly pattern: string; readonly fits: (path: string) => boolean }[]
  readonly #used = new Set<string>()

  constructor(patterns: readonly string[]) {
    this.#patterns = patterns.map(pattern => ({ pattern, fits: pathMatcher(pattern) }))
  }

  get size(): number {
    return this.#patterns.length
  }

  has(path: string): boolean {
    const fitting = this.#patterns.filter(({ fits }) => fits(path))
    for (const { pattern } of fitting) this.#used.add(pattern)
    return fitting.length > 0 || this.#patterns.length === 0
  }

  /** Patterns that fitted none of the paths that were asked about: somebody's mistake. */
  get unused(): string[] {
    return this.#patterns.flatMap(({ pattern }) => (this.#used.has(pattern) ? [] : [pattern]))
  }
}
