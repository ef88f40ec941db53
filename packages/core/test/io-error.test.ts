import { constants } from 'node:os'
import { describe, expect, test } from 'vitest'
import { LatentError } from '../src/index.ts'
import { ioError, systemCode } from '../src/node/index.ts'

const system = (code: string, errno?: number) =>
  Object.assign(new Error(`${code}: it failed`), { code, ...(errno === undefined ? {} : { errno }) })

describe('what the system says', () => {
  test.each<[string, number, string, string]>([
    ['Unknown system error -122', constants.errno.EDQUOT, 'EDQUOT', 'no space is left in the quota'],
    ['UNKNOWN', constants.errno.EDQUOT, 'EDQUOT', 'no space is left in the quota'],
    ['Unknown system error -116', constants.errno.ESTALE, 'ESTALE', 'the server no longer knows it'],
    ['ENOSPC', constants.errno.ENOSPC, 'ENOSPC', 'no space is left'],
    ['EROFS', constants.errno.EROFS, 'EROFS', 'the file system is read-only'],
    ['ENAMETOOLONG', constants.errno.ENAMETOOLONG, 'ENAMETOOLONG', 'its name is too long'],
    ['EIO', constants.errno.EIO, 'EIO', 'the device reports an error'],
    ['Unknown system error -9999', 9999, 'UNKNOWN', 'UNKNOWN'],
  ])('%s (%i) is %s', (code, errno, name, reason) => {
    const error = system(code, -errno)
    expect(systemCode(error)).toBe(name)
    expect(ioError(error, 'cannot write a.jpg')).toMatchObject({
      code: 'E_IO',
      message: `cannot write a.jpg: ${reason}`,
      cause: error,
    })
    expect((ioError(error, 'x').hint ?? '').length > 8).toBe(name !== 'UNKNOWN')
  })

  test('a full disk and a full quota come with a hint, a name that is taken with its own code', () => {
    for (const code of ['ENOSPC', 'EDQUOT']) expect(ioError(system(code), 'x').hint).toContain('make room')
    expect(ioError(system('EEXIST'), 'x').code).toBe('E_EXISTS')
  })

  test.each([
    [undefined],
    [null],
    ['text'],
    [new TypeError('x')],
    [system('ERR_INVALID_ARG_TYPE')],
    [system('ABORT_ERR')],
  ])('%s is none of the system', error => {
    expect(systemCode(error)).toBeUndefined()
    expect(ioError(error, 'x')).toMatchObject({
      code: 'E_INTERNAL',
      message: `x: ${String(error)}`,
      ...(error === undefined ? {} : { cause: error }),
    })
  })

  test('coded errors pass through', () => {
    const error = new LatentError('E_CHUNK', 'x')
    expect(ioError(error, 'y')).toBe(error)
  })
})
