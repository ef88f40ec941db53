import type { Scheme } from '@latent/schemes'
import { runTrial, type TrialRow, type TrialSettings } from '../attacks/trial.ts'
import { openWorld, type World, type WorldOptions } from '../attacks/world.ts'
import { attackNamed, schemeNamed, type SchemeName } from './own-scripts.ts'

/** One trial as a thread is told of it. `control`: against the attack's positive control, whatever `scheme` says. */
export interface AttackTask extends TrialSettings {
  readonly attack: string
  readonly attackScript?: string
  readonly schemeName: SchemeName
  readonly control: boolean
}

/**
 * Worlds that this thread keeps open: attacks on one scheme follow one another, and encrypting pictures is most of the
 * work.
 */
const KEPT = 4
const kept = new Map<string, Promise<World>>()

async function keptWorld(scheme: Scheme, options: WorldOptions): Promise<World> {
  const name = JSON.stringify([
    scheme.id,
    options.key,
    options.nonces,
    options.pictures,
    options.targets,
    options.answers,
  ])
  const known = kept.get(name) ?? openWorld(scheme, options)
  kept.delete(name)
  kept.set(name, known)
  if (kept.size > KEPT) {
    const [oldest, world] = kept.entries().next().value!
    kept.delete(oldest)
    await world.then(one => one.close()).catch(() => undefined)
  }
  // Closed when it falls out of those kept.
  return { ...(await known), close: async () => undefined }
}

/** Attacks on a thread of its own. */
export default async function attackTask(task: AttackTask): Promise<TrialRow> {
  const attack = await attackNamed(task.attack, task.attackScript)
  const { scheme: control } = attack.positiveControl
  const scheme = !task.control
    ? await schemeNamed(task.schemeName)
    : typeof control === 'string'
      ? await schemeNamed({ scheme: control })
      : control
  return runTrial(attack, scheme, task, { control: task.control, open: keptWorld })
}
