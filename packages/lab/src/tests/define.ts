import { argumentError, LatentError } from '@latent/core'
import type { Evidence } from '../evidence/index.ts'
import type { NullTest } from '../metrics/index.ts'
import type { Visible } from '../statistics/power.ts'
import { CONTROL_IDS, type ControlId } from './controls.ts'
import type { KeySearch } from './key-search.ts'
import type { Trial } from './trial.ts'

/** What a test says of everything together. */
export interface Finding extends NullTest {
  /** The smallest effect that would have been seen. */
  readonly visible?: Visible
  /** What was found, in words, where a number does not say it. */
  readonly note?: string
}

/** What the tests of one kind allow to be said, and what not. Several tests may share one. */
export interface Topic {
  readonly topic: string
  /** Where none of its tests fails. `{images}` stands for how many, `{wrong key}` for what became of a wrong key. */
  readonly say: string
  /** What it is often said to show, and does not. */
  readonly never: string
  /** The same for a cipher that draws a nonce for every image, where that makes a difference. */
  readonly randomised?: { readonly say: string; readonly never: string }
}

/** How the values of a test are printed. */
export interface Column {
  /** A line break where the heading may break. */
  readonly heading: string
  readonly digits: number
  /** The value is a share, and printed in percent. */
  readonly unit?: '%'
}

/** All of a test that reports need: it goes into the summary of a run, and through JSON. */
export interface TestCard {
  readonly id: string
  readonly title: string
  /** What it looks at: the heading over its column of verdicts. */
  readonly group: string
  /** What a failure means, as half a sentence: "neighbours in a row are related". */
  readonly failure: string
  readonly claim: Topic
  /** Its column in the tables of values; a test without one shows in the verdicts alone. */
  readonly column?: Column
  /** It passes a random cipher more often than stated, by design or because its statistic is discrete. */
  readonly lenient?: boolean
  /** Positive controls that it must find, and that it must pass. Negative ones it must pass always. */
  readonly controls?: { readonly fails?: readonly ControlId[]; readonly passes?: readonly ControlId[] }
  /** An interval that a publication accepts, and the share of random images that it holds in truth. */
  readonly published?: { readonly low: number; readonly high: number; readonly holds: number }
}

/**
 * At least one of `measure`, `pooled` and `keys`. Measuring, verdicts, claims, controls, null rates and tables follow
 * from it.
 */
export interface LabTest extends TestCard {
  /**
   * A value and its p-value under "the cipher is indistinguishable from random"; undefined where it does not apply.
   * Called on cipher images of at least 256 bytes. Random choices come from `trial.draw`.
   */
  readonly measure?: (trial: Trial) => NullTest | undefined | Promise<NullTest | undefined>
  /**
   * The same from what all ciphers of a scheme gave together: a shift too small for one picture shows in many. Where
   * there is no `measure`, it is what is said of a single picture too.
   * @param level at which `visible` is asked for
   */
  readonly pooled?: (evidence: Evidence, level: number) => Finding | undefined
  /** The same from ciphers of one small picture under many keys. */
  readonly keys?: (search: KeySearch, level: number) => Finding | undefined
  /**
   * The smallest effect visible in `replicates` images, where that is not how far their mean is off: by default it is
   * measured in deviations of the value over the negative controls of the run.
   */
  readonly smallest?: (replicates: number, level: number) => Visible
}

/** A test of the lab, checked. That of a stranger is written with this too. @throws E_ARGUMENT */
export function defineTest(test: LabTest): LabTest {
  const fault = testFault(test)
  if (fault !== undefined)
    throw new LatentError('E_ARGUMENT', `this is no test of the lab: ${fault}`, {
      hint: 'CONTRIBUTING.md has one of a few lines',
    })
  return test
}

/** What keeps something from being a test of the lab; undefined for a test. */
export function testFault(candidate: unknown): string | undefined {
  if (typeof candidate !== 'object' || candidate === null) return 'it is no object'
  const { id, title, group, failure, claim, measure, pooled, keys, column, controls } = candidate as Partial<
    Record<keyof LabTest, unknown>
  >
  if (typeof id !== 'string' || !/^[a-z0-9]+(-[a-z0-9]+)*$/.test(id))
    return 'its id is not made of small letters, digits and single hyphens'
  const empty = Object.entries({ title, group, failure }).find(
    ([, text]) => typeof text !== 'string' || text.trim() === '',
  )
  if (empty) return `it has no ${empty[0]}`
  const { topic, say, never } = (claim ?? {}) as Partial<Record<keyof Topic, unknown>>
  if (![topic, say, never].every(text => typeof text === 'string' && text !== ''))
    return 'its claim lacks topic, say or never'
  const hooks = Object.entries({ measure, pooled, keys }).filter(([, hook]) => hook !== undefined)
  const odd = hooks.find(([, hook]) => typeof hook !== 'function')
  if (odd) return `${odd[0]} is no function`
  if (hooks.length === 0) return 'it has no function measure, pooled or keys'
  const { heading, digits } = (column ?? { heading: '', digits: 0 }) as Partial<Record<keyof Column, unknown>>
  if (typeof heading !== 'string' || !Number.isInteger(digits) || (digits as number) < 0 || (digits as number) > 20)
    return 'its column lacks a heading, or a number of digits from 0 to 20'
  const { fails = [], passes = [] } = (controls ?? {}) as { fails?: unknown; passes?: unknown }
  const unknown = [fails, passes].flat().find(control => !CONTROL_IDS.includes(control as ControlId))
  return unknown === undefined
    ? undefined
    : `it expects something of ${JSON.stringify(unknown)}, which is no control (${CONTROL_IDS.join(', ')})`
}

/** A test that gives no numbers: no fault of the cipher that it looks at, and the end of a run. */
export class TestFault extends LatentError {
  constructor(message: string, hint: string, cause?: unknown) {
    super('E_SCRIPT', message, { hint, cause })
  }
}

/** What a test says of one image must be numbers. @throws TestFault */
export async function resultOf(test: LabTest, trial: Trial): Promise<NullTest | undefined> {
  const { measure, pooled } = test
  if (!measure && !pooled) return undefined
  let found: NullTest | undefined
  try {
    found = measure ? await measure(trial) : pooled!(trial.evidence, IMAGE_LEVEL)
  } catch (cause) {
    throw thrownBy(test, cause)
  }
  return found === undefined ? undefined : numbersOf(test, found)
}

/** A level at which nobody asks what is visible in one image. */
const IMAGE_LEVEL = 0.01

/** What a test says of all ciphers, or of all keys, together. @throws TestFault */
export function findingOf(test: LabTest, find: () => Finding | undefined): Finding | undefined {
  let found: Finding | undefined
  try {
    found = find()
  } catch (cause) {
    throw thrownBy(test, cause)
  }
  if (found === undefined) return undefined
  const { visible, note } = found
  return { ...numbersOf(test, found), ...(visible && { visible }), ...(note !== undefined && { note }) }
}

const thrownBy = (test: LabTest, cause: unknown): TestFault =>
  new TestFault(
    `the test ${test.id} threw: ${cause instanceof Error ? cause.message : String(cause)}`,
    'where a test does not apply, it returns undefined',
    cause,
  )

function numbersOf(test: LabTest, found: NullTest): NullTest {
  const { value, p } = (found ?? {}) as Partial<NullTest>
  if (typeof value === 'number' && Number.isFinite(value) && typeof p === 'number' && p >= 0 && p <= 1)
    return { value, p }
  throw new TestFault(
    `the test ${test.id} gave value ${String(value)} and p ${String(p)}`,
    'a test gives a finite value and a p between 0 and 1, or undefined where it does not apply',
  )
}

/** The serialisable part. */
export function cardOf({ id, title, group, failure, claim, column, lenient, controls, published }: LabTest): TestCard {
  return {
    id,
    title,
    group,
    failure,
    claim,
    ...(column && { column }),
    ...(lenient && { lenient }),
    ...(controls && { controls }),
    ...(published && { published }),
  }
}

/** The registry with tests of one's own behind it. @throws E_ARGUMENT for a name that is taken */
export function withTests(known: readonly LabTest[], added: readonly LabTest[]): readonly LabTest[] {
  const tests = [...known, ...added.map(defineTest)]
  const twice = tests.find(({ id }, at) => tests.findIndex(other => other.id === id) !== at)
  if (twice) throw argumentError('the id of a test', 'one that no other test has', twice.id, 'give the test another id')
  return tests
}
