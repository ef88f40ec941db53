import type { Scheme } from '@latent/schemes'
import { type Attack, type Threat, THREATS } from './contract.ts'
import type { TrialRow } from './trial.ts'
import { type AttackVerdict, controlBroken, gated, judgeAttack, type Judged } from './verdict.ts'

/** What one attack with one budget amounts to on one scheme, with what it did to its control in the same run. */
export interface AttackResult {
  readonly attack: string
  readonly scheme: string
  readonly threat: Threat
  readonly nonces: TrialRow['nonces']
  readonly budget: number
  readonly verdict: AttackVerdict
  readonly judged: Judged
  readonly control: Judged
  /** Plain picture, cipher image and reconstruction, side by side, as PNG in base64. */
  readonly shown?: string
}

/** Verdicts over all trials, schemes in their order, then attacks, then budgets. */
export function attackResults(
  attacks: readonly Attack[],
  schemes: readonly Scheme[],
  rows: readonly TrialRow[],
): AttackResult[] {
  const groups = new Map<string, TrialRow[]>()
  const nameOf = (row: Pick<TrialRow, 'attack' | 'scheme' | 'nonces' | 'budget' | 'control'>) =>
    [row.attack, row.control ? '' : row.scheme, row.control ? '' : row.nonces, row.budget, row.control].join('|')
  for (const row of rows) groups.set(nameOf(row), [...(groups.get(nameOf(row)) ?? []), row])
  return schemes.flatMap(scheme =>
    attacks.flatMap(attack => {
      const own = [...groups.values()].filter(
        ([row]) => row!.attack === attack.id && row!.scheme === scheme.id && !row!.control,
      )
      return own
        .map(trials => {
          const { nonces, budget } = trials[0]!
          const judged = judgeAttack(attack, trials)
          const control = judgeAttack(
            attack,
            groups.get(nameOf({ attack: attack.id, scheme: '', nonces, budget, control: true })) ?? [],
          )
          const shown = trials.find(row => row.shown)?.shown
          return {
            attack: attack.id,
            scheme: scheme.id,
            threat: attack.threat,
            nonces,
            budget,
            verdict: gated(judged, controlBroken(attack, control)),
            judged,
            control,
            ...(shown !== undefined && { shown }),
          }
        })
        .toSorted((a, b) => a.nonces.localeCompare(b.nonces) || a.budget - b.budget)
    }),
  )
}

/**
 * Columns of the verdict matrix, from what needs least to what needs most; the last two are mistakes and losses of the
 * user.
 */
export const SITUATIONS = {
  told: 'told from noise',
  class: 'class named',
  'ciphertext-only': 'cipher images alone',
  'known-pairs': 'known pairs',
  'chosen-plaintext': 'chosen pictures',
  'chosen-ciphertext': 'chosen cipher images',
  reused: 'one nonce for all',
  'near-key': 'key almost right',
} as const
/** A column by name. */
export type Situation = keyof typeof SITUATIONS

/** What a column presumes, in a line. */
export const SITUATION_MEANINGS: Readonly<Record<Situation, string>> = {
  told: 'a machine trained on cipher images and on noise tells which is which',
  class: THREATS['labelled-ciphers'],
  'ciphertext-only': THREATS['ciphertext-only'],
  'known-pairs': THREATS['known-pairs'],
  'chosen-plaintext': THREATS['chosen-plaintext'],
  'chosen-ciphertext': THREATS['chosen-ciphertext'],
  reused: 'all of the attacks that see several answers, where one nonce was used for all pictures by mistake',
  'near-key': THREATS['near-key'],
}

/** One cell: the best validated attack, or why there is none. */
export type Cell =
  | {
      readonly kind: 'broken'
      readonly verdict: 'opened' | 'leaks'
      /** The attack of a weaker threat model that comes as far; then this cell needs none of its own. */
      readonly already?: Situation
      readonly best: AttackResult
    }
  | { readonly kind: 'held'; readonly tried: readonly AttackResult[]; readonly best?: AttackResult }
  | { readonly kind: 'empty'; readonly reason: string }

/** One row of the matrix. */
export interface MatrixRow {
  readonly scheme: Scheme
  readonly cells: Readonly<Record<Situation, Cell>>
  /** Plain picture and its cipher image, from any trial that shows them. */
  readonly shown?: string
}

const columnOf = (attack: Attack, { nonces }: Pick<AttackResult, 'nonces'>): Situation =>
  nonces === 'reused'
    ? 'reused'
    : attack.returns === 'distinguishing-bit'
      ? 'told'
      : attack.threat === 'labelled-ciphers'
        ? 'class'
        : attack.threat

/** Whoever has the one has the others too. */
const WEAKER: Partial<Record<Situation, readonly Situation[]>> = {
  'known-pairs': ['ciphertext-only'],
  'chosen-plaintext': ['ciphertext-only', 'known-pairs'],
  'chosen-ciphertext': ['ciphertext-only', 'known-pairs', 'chosen-plaintext'],
}

const RANK: Readonly<Record<AttackVerdict, number>> = { 'no verdict': 0, nothing: 1, leaks: 2, opened: 3 }
const scoreOf = ({ judged }: AttackResult): number => judged.value?.mean ?? -1

/** The better of two: how far it came, then with how few queries, then how clear the outcome is. */
const better = (a: AttackResult, b: AttackResult): number =>
  RANK[b.verdict] - RANK[a.verdict] ||
  (a.verdict === 'opened' ? a.judged.queries - b.judged.queries : 0) ||
  scoreOf(b) - scoreOf(a)

/** Rows of the verdict matrix. No cell is empty without a reason. */
export function matrixRows(
  attacks: readonly Attack[],
  schemes: readonly Scheme[],
  results: readonly AttackResult[],
): MatrixRow[] {
  const attackOf = new Map(attacks.map(attack => [attack.id, attack]))
  return schemes.map(scheme => {
    const own = results.filter(result => result.scheme === scheme.id)
    const cells = {} as Record<Situation, Cell>
    for (const column of Object.keys(SITUATIONS) as Situation[]) {
      const tried = own.filter(result => columnOf(attackOf.get(result.attack)!, result) === column).toSorted(better)
      const weaker = (WEAKER[column] ?? []).flatMap(name => {
        const cell = cells[name]
        return cell.kind === 'broken' && !cell.already ? [{ name, cell }] : []
      })
      const strongest = weaker.toSorted((a, b) => RANK[b.cell.verdict] - RANK[a.cell.verdict])[0]
      cells[column] = cellOf(scheme, column, tried, attacks, strongest)
    }
    const shown = own.find(result => result.attack === 'look')?.shown ?? own.find(result => result.shown)?.shown
    return { scheme, cells, ...(shown !== undefined && { shown }) }
  })
}

function cellOf(
  scheme: Scheme,
  column: Situation,
  tried: readonly AttackResult[],
  attacks: readonly Attack[],
  weaker: { readonly name: Situation; readonly cell: Extract<Cell, { kind: 'broken' }> } | undefined,
): Cell {
  const [best] = tried
  const reached = best && (best.verdict === 'opened' || best.verdict === 'leaks') ? best.verdict : undefined
  if (weaker && RANK[weaker.cell.verdict] >= (reached ? RANK[reached] : 0))
    return { kind: 'broken', verdict: weaker.cell.verdict, already: weaker.name, best: weaker.cell.best }
  if (reached) return { kind: 'broken', verdict: reached, best: best! }
  if (tried.length > 0) {
    const valid = tried.filter(({ verdict }) => verdict !== 'no verdict')
    if (valid.length === 0)
      return { kind: 'empty', reason: 'no verdict: none of the attacks broke its own control in this run' }
    const scored = valid.filter(({ judged }) => judged.value)
    return { kind: 'held', tried: valid, ...(scored.length > 0 && { best: scored[0]! }) }
  }
  return { kind: 'empty', reason: reasonOf(scheme, column, attacks) }
}

function reasonOf(scheme: Scheme, column: Situation, attacks: readonly Attack[]): string {
  if (column === 'reused' && scheme.nonce.use === 'none') return 'it takes no nonce: every use is such a use'
  const reasons = attacks
    .filter(attack => columnOf(attack, { nonces: 'as meant' }) === column)
    .flatMap(attack => attack.appliesTo(scheme) ?? [])
  return reasons[0] ?? 'not run'
}
