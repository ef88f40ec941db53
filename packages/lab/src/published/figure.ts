/**
 * What papers print about their schemes, beside which measured figures are put. A value that is not
 * known is absent, never guessed. `standing` says how the figure reached us.
 */
export interface PublishedFigure {
  readonly metric: 'psnr' | 'ssim' | 'entropy' | 'correlation' | 'parameters' | 'key-space' | 'accuracy' | 'other'
  readonly value: string
  /** Conditions that the figure needs to be compared at all. */
  readonly condition: string
  /** Of what came back after damage: not to be compared with what comes back whole. */
  readonly damaged?: true
  readonly standing: 'paper' | 'abstract' | 'authors’ repository' | 'quoted by another paper'
}

/** What a paper prints of its scheme. */
export interface PublishedScheme {
  /** Registry id; of a system that does not run here, the id that it would have. */
  readonly id: string
  readonly citation: string
  readonly figures: readonly PublishedFigure[]
  /** What the paper leaves open, or prints wrongly, as far as it matters for comparing. */
  readonly remarks: readonly string[]
  /** What keeps a system from being run here, where no scheme of the registry has its id. */
  readonly missing?: string
}
