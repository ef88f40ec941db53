import { argumentError, sha256Of, toHex } from '@latent/core'
import { makeScratch } from '@latent/core/node'
import { openWorkers } from '@latent/core/workers'
import type { Scheme } from '@latent/schemes'
import { mkdir, readFile } from 'node:fs/promises'
import { availableParallelism } from 'node:os'
import { basename } from 'node:path'
import type { Attack } from '../attacks/contract.ts'
import { trialName, type TrialRow } from '../attacks/trial.ts'
import { controlBroken, judgeAttack, type Reached } from '../attacks/verdict.ts'
import type { AttackTask } from './attack-worker.ts'
import { machine } from './evaluate.ts'
import { openJournal } from './journal.ts'
import { type NamedAttack, resolveAttacks, resolveSchemes, type NamedScheme } from './own-scripts.ts'

/** What `attackRun` attacks with what. */
export interface AttackRunOptions {
  /** Ids, or scripts that export schemes. */
  readonly schemes: readonly string[]
  /** Ids, or scripts that export attacks. */
  readonly attacks: readonly string[]
  /** Folder for rows; a killed run goes on from there, and a later one with more of anything adds to it. */
  readonly out: string
  /** Trials that count as done, such as those of a matrix that was written before; `out` takes only new ones. */
  readonly known?: readonly TrialRow[]
  /** Query budgets; each attack's own where none is given. */
  readonly budgets?: readonly number[]
  /** Keys a scheme, each a replicate. */
  readonly keys?: number
  /**
   * For controls: attacks are run also where they say that they do not apply, and never with one nonce for all
   * pictures, of which controls say nothing.
   */
  readonly everywhere?: boolean
  /** Every answer is that for another picture: nothing may be found. */
  readonly shuffled?: boolean
  readonly workers?: number
  readonly signal?: AbortSignal
  readonly onProgress?: (done: number, total: number) => void
}

/** What was attacked with what, and every trial of it. */
export interface AttackRun {
  readonly attacks: readonly Attack[]
  readonly schemes: readonly Scheme[]
  readonly rows: readonly TrialRow[]
}

const SEES_SEVERAL: readonly Attack['threat'][] = ['ciphertext-only', 'known-pairs', 'chosen-plaintext']

/**
 * Attacks that end with a key, or what is as good as one, are tried with one nonce for all pictures too, where the
 * scheme takes a nonce: reuse is the first mistake that is made, and the key stream of one picture then opens the
 * others.
 */
export const nonceModes = (scheme: Scheme, { threat, returns }: Attack): TrialRow['nonces'][] =>
  scheme.nonce.use !== 'none' && returns === 'key' && SEES_SEVERAL.includes(threat)
    ? ['as meant', 'reused']
    : ['as meant']

/**
 * Runs attacks against schemes, and against their positive controls first. Every row is on disk before the next counts.
 * @throws E_ARGUMENT; E_SCRIPT for scripts, and for an attack that breaks its contract; E_EXISTS if the folder holds
 * another kind of run
 */
export async function attackRun(options: AttackRunOptions): Promise<AttackRun> {
  const { out, known = [], budgets, keys = 2, workers = availableParallelism(), shuffled = false } = options
  if (options.schemes.length === 0) throw argumentError('schemes', 'at least one scheme', 0)
  if (options.attacks.length === 0) throw argumentError('attacks', 'at least one attack', 0)
  if (!Number.isSafeInteger(keys) || keys < 1) throw argumentError('keys', 'a positive whole number', keys)
  for (const budget of budgets ?? [])
    if (!Number.isSafeInteger(budget) || budget < 1) throw argumentError('budgets', 'positive whole numbers', budget)
  const attacks = await resolveAttacks(options.attacks)
  const chosen = await resolveSchemes(options.schemes)
  await mkdir(out, { recursive: true })
  const scripts = [...attacks.map(({ script }) => script), ...chosen.map(({ name }) => name?.script)]
  const journal = openJournal<TrialRow>(out, {
    // More schemes, attacks, keys and budgets may be added later: rows do not depend on one another.
    config: { version: 1, kind: 'attacks', scripts: await hashes(scripts) },
    machine: machine(),
    nameOf: trialName,
  })
  const tasks = tasksOf(attacks, chosen, { ...options, keys, shuffled })
  const earlier = new Map(known.map(row => [trialName(row), row]))
  const open = tasks.filter(task => !journal.has(nameOf(task)) && !earlier.has(nameOf(task)))
  let done = tasks.length - open.length
  options.onProgress?.(done, tasks.length)
  const threads = openWorkers<AttackTask, TrialRow>(new URL('./attack-worker.ts', import.meta.url), {
    threads: workers,
    signal: options.signal,
  })
  try {
    await threads.each(open, row => {
      journal.add(row)
      options.onProgress?.(++done, tasks.length)
    })
  } finally {
    await threads.close()
  }
  const wanted = new Set(tasks.map(nameOf))
  return {
    attacks: attacks.map(({ attack }) => attack),
    schemes: chosen.map(({ scheme }) => scheme),
    rows: [...new Map([...earlier, ...journal.rows.map(row => [trialName(row), row] as const)]).values()].filter(row =>
      wanted.has(trialName(row)),
    ),
  }
}

/** A line of `latent lab attack --controls`. */
export interface ControlVerdict {
  readonly attack: string
  readonly scheme: string
  readonly role: 'positive' | 'negative'
  readonly expected: 'opened' | 'leaks' | 'nothing'
  readonly reached: Reached
  readonly asExpected: boolean
  readonly queries: number
  readonly value?: number
  readonly low?: number
  readonly high?: number
  readonly recognised?: number
}

/** What must hold: authenticated encryption, and our own scheme. */
export const NEGATIVE_CONTROLS = ['aes-256-gcm', 'exact-flow'] as const

/** What {@link attackControls} runs. */
export interface ControlOptions extends Pick<
  AttackRunOptions,
  'attacks' | 'keys' | 'workers' | 'signal' | 'onProgress'
> {
  /** Keeps rows there, and goes on from them; a folder that is thrown away otherwise. */
  readonly out?: string
  readonly onVerdict: (verdict: ControlVerdict) => void
}

/**
 * Every attack against its positive control, which it must break, and against {@link NEGATIVE_CONTROLS}, in which it
 * must find nothing, also where it says that it does not apply.
 * @throws as {@link attackRun}
 */
export async function attackControls({ out, onVerdict, ...options }: ControlOptions): Promise<void> {
  const scratch = out === undefined ? await makeScratch('controls') : undefined
  const folder = out ?? scratch!.path
  try {
    const run = await attackRun({ ...options, schemes: NEGATIVE_CONTROLS, out: folder, everywhere: true })
    for (const attack of run.attacks) {
      const trials = run.rows.filter(row => row.attack === attack.id)
      for (const [scheme, role] of [
        [controlId(attack), 'positive'],
        ...NEGATIVE_CONTROLS.map(id => [id, 'negative'] as const),
      ] as const) {
        const judged = judgeAttack(
          attack,
          trials.filter(row => row.scheme === scheme && row.control === (role === 'positive')),
        )
        onVerdict({
          attack: attack.id,
          scheme,
          role,
          expected: role === 'positive' ? attack.positiveControl.expects : 'nothing',
          reached: judged.reached,
          asExpected: role === 'positive' ? controlBroken(attack, judged) : judged.reached === 'nothing',
          queries: judged.queries,
          ...(judged.value && { value: judged.value.mean, low: judged.value.low, high: judged.value.high }),
          ...(judged.recognised && { recognised: judged.recognised.mean }),
        })
      }
    }
  } finally {
    await scratch?.remove()
  }
}

const controlId = ({ positiveControl: { scheme } }: Attack): string => (typeof scheme === 'string' ? scheme : scheme.id)

const nameOf = (task: AttackTask): string =>
  trialName({ ...task, scheme: task.schemeName.scheme, answers: task.answers ?? 'true' })

function tasksOf(
  attacks: readonly NamedAttack[],
  chosen: readonly NamedScheme[],
  {
    budgets,
    keys,
    shuffled,
    everywhere,
  }: Pick<AttackRunOptions, 'budgets' | 'everywhere'> & { keys: number; shuffled: boolean },
): AttackTask[] {
  const numbers = Array.from({ length: keys }, (_, i) => i + 1)
  const trials = ({ attack, script }: NamedAttack, key: number) =>
    (budgets ?? [attack.budget]).map(budget => ({
      attack: attack.id,
      ...(script !== undefined && { attackScript: script }),
      budget,
      key,
      ...(shuffled && { answers: 'shuffled' as const }),
    }))
  const controls = attacks.flatMap(named =>
    numbers.flatMap(key =>
      trials(named, key).map(trial => ({
        ...trial,
        schemeName: { scheme: controlId(named.attack) },
        nonces: named.attack.positiveControl.nonces ?? ('as meant' as const),
        control: true,
      })),
    ),
  )
  // One scheme and key after the other, so that what a thread keeps open serves.
  const others = chosen.flatMap(({ scheme, name }) =>
    numbers.flatMap(key =>
      attacks
        .filter(({ attack }) => everywhere || attack.appliesTo(scheme) === undefined)
        .flatMap(named =>
          (everywhere ? (['as meant'] as const) : nonceModes(scheme, named.attack)).flatMap(nonces =>
            trials(named, key).map(trial => ({
              ...trial,
              schemeName: name ?? { scheme: scheme.id },
              nonces,
              control: false,
            })),
          ),
        )
        .toSorted((a, b) => a.nonces.localeCompare(b.nonces)),
    ),
  )
  return [...controls, ...others]
}

async function hashes(scripts: readonly (string | undefined)[]): Promise<{ name: string; sha256: string }[]> {
  const paths = [...new Set(scripts)].flatMap(path => path ?? [])
  return Promise.all(paths.map(async path => ({ name: basename(path), sha256: toHex(sha256Of(await readFile(path))) })))
}
