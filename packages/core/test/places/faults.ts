import type * as files from 'node:fs/promises'

/*
 * What no file system does on request: calls that fail, write less than they are given, or find that something
 * else happened meanwhile. Each hook runs in the place of a call, and may throw, or do the work itself. A file of
 * tests begins with
 *
 *     vi.mock(import('node:fs'), async original => faultyFs(await original()))
 *     vi.mock(import('node:fs/promises'), async original => faultyPromises(await original()))
 *
 * where both come from `vi.hoisted(() => import('./places/faults.ts'))`. Nothing here may import what is replaced.
 */
export type Hook = (...args: never[]) => unknown

/** By the name of a call, or of a method of a file that was opened, which is given the real method first. */
export const hooks: Record<string, Hook | undefined> = {}
/** Methods of opened files that were called, in order. */
export const calls: string[] = []

export const count = (name: string) => calls.filter(call => call === name).length

/** A hook that fails as the system does. */
export const failing = (code: string) => () => {
  throw Object.assign(new Error(code), { code })
}

/** The same for a call that tells another one. */
export const failingLater = (code: string) => (_: number, tell: (error: Error) => void) =>
  tell(Object.assign(new Error(code), { code }))

export function faultyFs<M extends object>(original: M): M {
  const real = original as unknown as Record<string, Hook>
  const hooked = Object.fromEntries(
    ['linkSync', 'unlinkSync', 'renameSync', 'mkdirSync', 'futimesSync', 'fstatSync', 'readSync'].map(name => [
      name,
      (...args: never[]) => (hooks[name] ?? real[name]!)(...args),
    ]),
  )
  const counted = Object.fromEntries(
    ['fsync', 'writev', 'writevSync', 'closeSync'].map(name => [
      name,
      (...args: never[]) => (calls.push(name), (hooks[name] ?? real[name]!)(...args)),
    ]),
  )
  const openSync = (...args: never[]) => (hooks['openSync']?.(...args), real['openSync']!(...args))
  const replaced = { ...hooked, ...counted, openSync }
  return { ...real, ...replaced, default: { ...real, ...replaced } } as never
}

export function faultyPromises(real: typeof files): typeof files {
  const open = async (...args: Parameters<typeof real.open>) => {
    hooks['open']?.(...(args as unknown as never[]))
    const handle = await real.open(...args)
    for (const name of ['stat', 'close'] as const) {
      const method = handle[name].bind(handle) as unknown as Hook
      Object.assign(handle, {
        [name]: (...given: never[]) => (
          calls.push(name),
          hooks[name] ? hooks[name](...([method, ...given] as never[])) : method(...given)
        ),
      })
    }
    return handle
  }
  const hooked =
    (name: 'rename' | 'mkdir' | 'rm') =>
    async (...args: never[]) =>
      (hooks[name] ?? real[name])(...args)
  const replaced = { open, rename: hooked('rename'), mkdir: hooked('mkdir'), rm: hooked('rm') }
  return { ...real, ...replaced, default: { ...real, ...replaced } } as never
}
