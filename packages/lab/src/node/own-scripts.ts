import { LatentError } from '@latent/core'
import { ioError } from '@latent/core/node'
import { findScheme, openScheme, type OpenScheme, type Scheme, schemeFault, schemes as registry } from '@latent/schemes'
import { readFile } from 'node:fs/promises'
import * as modules from 'node:module'
import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { type Attack, attackFault } from '../attacks/contract.ts'
import { ATTACKS, findAttack } from '../attacks/registry.ts'
import { type LabTest, testFault } from '../tests/define.ts'

/** A name that is meant as the path of a script. */
export const isScript = (name: string): boolean => /\.[cm]?[jt]s$/i.test(name)

/** What a thread of its own needs to open a scheme: the scripts of strangers are imported there again. */
export interface SchemeName {
  readonly scheme: string
  /** Absolute path of the script that exports it. */
  readonly script?: string
}

/** A scheme that was asked for. One that was neither registered nor came from a script exists in this process alone. */
export interface NamedScheme {
  readonly scheme: Scheme
  readonly name?: SchemeName
}

/** The same for a test of the lab. */
export interface OwnTest {
  readonly test: LabTest
  readonly script?: string
}

/**
 * Schemes by id, by the path of a script whose default export is one or several, or as they are.
 * @throws E_ARGUMENT for an unknown id; E_IO; E_SCRIPT for a script that cannot be loaded, exports no scheme, or one
 * whose id is taken
 */
export async function resolveSchemes(asked: readonly (string | Scheme)[]): Promise<NamedScheme[]> {
  const chosen: NamedScheme[] = []
  for (const one of new Set(asked)) chosen.push(...(await namedSchemes(one)))
  const own = chosen.filter(({ scheme }) => !registry.includes(scheme))
  const taken = own.find(
    one =>
      chosen.some(other => other !== one && other.scheme.id === one.scheme.id) ||
      registry.some(({ id }) => id === one.scheme.id),
  )
  if (taken)
    throw new LatentError('E_SCRIPT', `there is a scheme ${taken.scheme.id} already`, { hint: 'give yours another id' })
  return chosen
}

async function namedSchemes(asked: string | Scheme): Promise<NamedScheme[]> {
  if (typeof asked !== 'string') {
    if (registry.includes(asked)) return [{ scheme: asked, name: { scheme: asked.id } }]
    return [{ scheme: checked(SCHEME, asked, 'this') }]
  }
  if (!isScript(asked)) return [{ scheme: findScheme(asked), name: { scheme: asked } }]
  const script = resolve(asked)
  return (await exported(SCHEME, script)).map(scheme => ({ scheme, name: { scheme: scheme.id, script } }))
}

/** @throws E_IO; E_SCRIPT for a script that cannot be loaded or exports no test */
export async function resolveTests(asked: readonly (string | LabTest)[]): Promise<OwnTest[]> {
  const found = await Promise.all(
    [...new Set(asked)].map(async (one): Promise<OwnTest[]> => {
      if (typeof one !== 'string') return [{ test: checked(TEST, one, 'this') }]
      const script = resolve(one)
      return (await exported(TEST, script)).map(test => ({ test, script }))
    }),
  )
  return found.flat()
}

/** An attack that was asked for; those of strangers are imported again in each thread. */
export interface NamedAttack {
  readonly attack: Attack
  readonly script?: string
}

/**
 * Attacks by id, or by the path of a script whose default export is one or several.
 * @throws E_ARGUMENT for an unknown id; E_IO; E_SCRIPT for a script that cannot be loaded or exports no attack
 */
export async function resolveAttacks(asked: readonly string[]): Promise<NamedAttack[]> {
  const found = await Promise.all(
    [...new Set(asked)].map(async (one): Promise<NamedAttack[]> => {
      if (!isScript(one)) return [{ attack: findAttack(one) }]
      const script = resolve(one)
      return (await exported(ATTACK, script)).map(attack => ({ attack, script }))
    }),
  )
  const all = found.flat()
  const own = all.filter(({ script }) => script !== undefined)
  const taken = own.find(
    ({ attack }) =>
      ATTACKS.some(({ id }) => id === attack.id) || all.filter(other => other.attack.id === attack.id).length > 1,
  )
  if (taken)
    throw new LatentError('E_SCRIPT', `there is an attack ${taken.attack.id} already`, {
      hint: 'give yours another id',
    })
  return all
}

/** The scheme that a thread was told of, unopened. @throws E_SCRIPT */
export async function schemeNamed({ scheme: id, script }: SchemeName): Promise<Scheme> {
  if (script === undefined) return findScheme(id)
  return gone(
    (await exported(SCHEME, script)).find(candidate => candidate.id === id),
    script,
    id,
  )
}

/** @throws E_SCRIPT */
export async function attackNamed(id: string, script: string | undefined): Promise<Attack> {
  if (script === undefined) return findAttack(id)
  return gone(
    (await exported(ATTACK, script)).find(candidate => candidate.id === id),
    script,
    id,
  )
}

function gone<T>(found: T | undefined, script: string, id: string): T {
  if (found !== undefined) return found
  throw new LatentError('E_SCRIPT', `${script} no longer exports ${id}`, {
    hint: 'it was changed while the run went on',
  })
}

/** Opens a scheme by what a thread was told of it. @throws E_SCRIPT */
export async function openNamed({ scheme: id, script }: SchemeName): Promise<OpenScheme> {
  if (script === undefined) return openScheme(id)
  return openOwn(await schemeNamed({ scheme: id, script }))
}

/** @throws E_SCRIPT for a scheme of a stranger whose code throws while it is loaded */
export async function openOwn(scheme: Scheme): Promise<OpenScheme> {
  try {
    return await openScheme(scheme)
  } catch (cause) {
    if (cause instanceof LatentError || registry.includes(scheme)) throw cause
    throw new LatentError('E_SCRIPT', `load of ${scheme.id} threw: ${firstLine(cause)}`, {
      hint: 'mend the script',
      cause,
    })
  }
}

/** What a script may export. */
interface Kind<T> {
  readonly what: string
  readonly hint: string
  /** What keeps something from being one. */
  readonly faultOf: (candidate: unknown) => string | undefined
  /** Never read: it binds the kind to its type. */
  readonly sample?: T
}

const SCHEME: Kind<Scheme> = {
  what: 'scheme',
  faultOf: schemeFault,
  hint: 'export default defineScheme({ id, title, load }), or a list of such; defineScheme comes from @latent/schemes',
}
const TEST: Kind<LabTest> = {
  what: 'test of the lab',
  faultOf: testFault,
  hint:
    'export default defineTest({ id, title, group, failure, claim, measure }), or a list of such; ' +
    'defineTest comes from @latent/lab',
}

const ATTACK: Kind<Attack> = {
  what: 'attack',
  faultOf: attackFault,
  hint:
    'export default defineAttack({ id, title, threat, positiveControl, run }), or a list of such; ' +
    'defineAttack comes from @latent/lab',
}

function checked<T>({ what, hint, faultOf }: Kind<T>, candidate: unknown, where: string): T {
  const fault = faultOf(candidate)
  if (fault !== undefined) throw new LatentError('E_SCRIPT', `${where} is no ${what}: ${fault}`, { hint })
  return candidate as T
}

async function exported<T>(kind: Kind<T>, script: string): Promise<T[]> {
  const { default: found } = await importScript(script)
  const several: unknown[] = Array.isArray(found) ? found : found === undefined ? [] : [found]
  if (several.length === 0)
    throw new LatentError('E_SCRIPT', `${script} exports no ${kind.what} by default`, { hint: kind.hint })
  return several.map(candidate => checked(kind, candidate, `what ${script} exports`))
}

async function importScript(script: string): Promise<{ readonly default?: unknown }> {
  await readFile(script).catch((error: unknown) => {
    throw ioError(error, `cannot read ${script}`)
  })
  lendPackages()
  try {
    return (await import(pathToFileURL(script).href)) as { readonly default?: unknown }
  } catch (cause) {
    throw new LatentError('E_SCRIPT', `${script} cannot be loaded: ${firstLine(cause)}`, {
      hint: HINTS[(cause as NodeJS.ErrnoException | undefined)?.code ?? ''] ?? 'mend the script',
      cause,
    })
  }
}

const firstLine = (thrown: unknown): string =>
  (thrown instanceof Error ? thrown.message : String(thrown)).split('\n', 1)[0]!.slice(0, 300)

const HINTS: Readonly<Record<string, string>> = {
  ERR_MODULE_NOT_FOUND: 'what a script imports is looked for from its own folder: install it there',
  ERR_UNKNOWN_FILE_EXTENSION: 'this Node runs JavaScript alone; Node 22.18 and later run TypeScript',
  ERR_INVALID_TYPESCRIPT_SYNTAX: 'mend the script',
  ERR_UNSUPPORTED_TYPESCRIPT_SYNTAX:
    'Node takes the types away and does no more: no enums, namespaces or parameter properties',
}

let lent = false

/** What the types of Node 20 lack. */
interface NewerModules {
  readonly registerHooks?: (hooks: {
    resolve: (specifier: string, context: object, next: (specifier: string, context: object) => unknown) => unknown
  }) => void
}

/**
 * A script that lies anywhere finds the packages of Latent: those that run it, unless it has its own. Where Node has no
 * such hooks (before 22.15) it must have its own.
 */
function lendPackages(): void {
  const { registerHooks } = modules as NewerModules
  if (lent || !registerHooks) return
  lent = true
  registerHooks({
    resolve(specifier, context, next) {
      try {
        return next(specifier, context)
      } catch (error) {
        if (!specifier.startsWith('@latent/')) throw error
        return next(specifier, { ...context, parentURL: import.meta.url })
      }
    },
  })
}
