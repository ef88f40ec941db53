import { type Image, LatentError } from '@latent/core'
import { type DataSet, openData } from '@latent/data/node'
import type { OpenScheme } from '@latent/schemes'
import type { FailureRow, ImageRow, KeysRow } from '../run/rows.ts'
import { type LabTest, TESTS, withTests } from '../tests/index.ts'
import {
  type Fault,
  type KeysTask,
  keysTask,
  type LookTask,
  type MeasureTask,
  measureTask,
  told,
  type Unreadable,
} from './measure-task.ts'
import { openNamed, resolveTests } from './own-scripts.ts'

// A thread meets the same schemes, and mostly the same image, again and again.
const ciphers = new Map<string, Promise<OpenScheme>>()
const tests = new Map<string, Promise<readonly LabTest[]>>()
const sets = new Map<string, Promise<DataSet>>()
let last: { readonly id: string; readonly image: Promise<Image> } | undefined

function remembered<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  const known = map.get(key)
  if (known !== undefined) return known
  const made = make()
  map.set(key, made)
  return made
}

async function load({ data, root, image: id }: LookTask): Promise<Image> {
  if (last?.id === id) return last.image
  const { pictures } = await remembered(sets, data, () => openData(data, root))
  const picture = pictures.find(candidate => candidate.id === id)
  if (!picture) throw new LatentError('E_DATA', `the picture ${id} is gone`)
  last = { id, image: picture.load() }
  return last.image
}

async function look(task: LookTask): Promise<Unreadable | undefined> {
  try {
    await load(task)
    return undefined
  } catch (error) {
    return told(error)
  }
}

const withOwn = async (scripts: readonly string[]): Promise<readonly LabTest[]> =>
  withTests(
    TESTS,
    (await resolveTests(scripts)).map(({ test }) => test),
  )

const open = (task: MeasureTask | KeysTask) =>
  remembered(ciphers, JSON.stringify([task.scheme, task.script]), () => openNamed(task))

const measure = (task: MeasureTask) =>
  measureTask(task, {
    load,
    open: () => open(task),
    tests: () => remembered(tests, (task.tests ?? []).join('\n'), () => withOwn(task.tests ?? [])),
  })

/** Measures on a thread of its own. */
export default (
  task: MeasureTask | LookTask | KeysTask,
): Promise<ImageRow | FailureRow | KeysRow | Fault | Unreadable | undefined> =>
  'seed' in task ? measure(task) : 'tried' in task ? keysTask(task, { load, open: () => open(task) }) : look(task)
