import { encodePng } from '@latent/core/png'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { latentHere } from './command.ts'

let scratch: string
beforeAll(() => {
  scratch = mkdtempSync(join(tmpdir(), 'latent-attack-'))
})
afterAll(() => rmSync(scratch, { recursive: true }))

const lab = (...args: string[]) => latentHere(['lab', ...args])

const rowsOf = (folder: string) =>
  readFileSync(join(folder, 'rows.jsonl'), 'utf8')
    .trim()
    .split('\n')
    .map(text => JSON.parse(text) as { attack: string; scheme: string; outcome: string; control: boolean })

describe('latent lab attack', { timeout: 180_000 }, () => {
  test('verdicts, pictures and rows; started again it has nothing left to do', async () => {
    const out = join(scratch, 'run')
    const args = ['attack', '-s', 'xor-reused-mask', 'aes-256-ctr', '-a', 'known-mask', '--keys', '1', '-o', out]
    const first = await lab(...args)
    expect(first.code).toBe(0)
    expect(first.out).toMatch(/^xor-reused-mask +known-mask +opened +1 of 1 queries; SSIM 1\.000 .*exact$/m)
    expect(first.out).toMatch(/^aes-256-ctr +known-mask +nothing found/m)
    // A nonce that is used twice is the end of counter mode.
    expect(first.out).toMatch(/^aes-256-ctr +known-mask +opened +1 of 1 queries, one nonce; SSIM 1\.000/m)
    expect(existsSync(join(out, 'pictures.png'))).toBe(true)
    const rows = readFileSync(join(out, 'rows.jsonl'))
    expect(rowsOf(out)).toHaveLength(4)
    const again = await lab(...args)
    expect([again.out, readFileSync(join(out, 'rows.jsonl'))]).toEqual([first.out, rows])

    // A run that was killed lost its last line.
    writeFileSync(join(out, 'rows.jsonl'), rows.subarray(0, rows.length - 40))
    expect((await lab(...args)).out).toBe(first.out)
    expect(rowsOf(out)).toHaveLength(4)
  })

  test('a file of the user that has the name of one of ours stays, and the run says so', async () => {
    const out = join(scratch, 'mine')
    mkdirSync(out)
    const picture = { width: 2, height: 1, channels: 3, format: 'u8', data: Uint8Array.of(1, 2, 3, 4, 5, 6) } as const
    const files: Readonly<Record<string, Uint8Array>> = {
      'pictures.png': encodePng(picture),
      'summary.json': new TextEncoder().encode('{"mine":true}\n'),
    }
    for (const [name, content] of Object.entries(files)) {
      rmSync(join(out, 'pictures.png'), { force: true })
      rmSync(join(out, 'summary.json'), { force: true })
      writeFileSync(join(out, name), content)
      const { code, err } = await lab('attack', '-s', 'xor-reused-mask', '-a', 'known-mask', '--keys', '1', '-o', out)
      expect([code, err]).toEqual([1, expect.stringMatching(/latent: error: .* \[E_EXISTS\]\nhint: /)])
      expect(err).toContain(name)
      expect(new Uint8Array(readFileSync(join(out, name)))).toEqual(content)
    }
  })

  test('a curve of budgets: too few queries are no error', async () => {
    const out = join(scratch, 'curve')
    const args = ['attack', '-s', 'etc', '-a', 'sample-map', '--budgets', '1,2', '--keys', '1', '-o', out]
    const { code, out: printed } = await lab(...args)
    expect(code).toBe(0)
    expect(printed).toMatch(/no verdict +1 of 1 queries; .*\[E_LIMIT\]$/m)
    expect(printed).toMatch(/opened +2 of 2 queries/)
  })

  test('controls: a line each, as expected', async () => {
    const rows = join(scratch, 'controls')
    const { code, out } = await lab('attack', '--controls', '-a', 'chosen-mask', 'look', '--keys', '1', '-o', rows)
    expect(code).toBe(0)
    // A trial for each line, and none of which nothing is said.
    expect(rowsOf(rows)).toHaveLength(6)
    const lines = out
      .trim()
      .split('\n')
      .map(text => JSON.parse(text) as { attack: string; scheme: string; role: string; asExpected: boolean })
    expect(lines.map(({ attack, scheme, asExpected }) => [attack, scheme, asExpected])).toEqual([
      ['chosen-mask', 'xor-reused-mask', true],
      ['chosen-mask', 'aes-256-gcm', true],
      ['chosen-mask', 'exact-flow', true],
      ['look', 'identity', true],
      ['look', 'aes-256-gcm', true],
      ['look', 'exact-flow', true],
    ])
  })

  test.each([
    ['gives up', 'identity', 'async () => undefined', ['identity']],
    // It knows the pictures from elsewhere, as no attacker does: what it opens must not be opened.
    [
      'cheats',
      'xor-reused-mask',
      `async () => ({
    open: async targets => (await attackPictures('scenes', 'targets', targets.length)).map(({ plain }) => plain) })`,
      ['aes-256-gcm', 'exact-flow'],
    ],
  ])('controls that are not as they must be end it: an attack that %s', async (title, scheme, run, wrong) => {
    const script = join(scratch, `${title.replace(' ', '-')}.ts`)
    writeFileSync(
      script,
      `import { attackPictures, defineAttack } from '@latent/lab'
export default defineAttack({ id: 'mutant', title: '${title}', threat: 'ciphertext-only',
  positiveControl: { scheme: '${scheme}', expects: 'opened' }, run: ${run} })\n`,
    )
    const { code, out, err } = await lab('attack', '--controls', '-a', script, '--keys', '1')
    expect(code).not.toBe(0)
    expect(err).toContain('E_CONTROLS')
    const lines = out.trim().split('\n')
    const verdicts = lines.map(text => JSON.parse(text) as { scheme: string; asExpected: boolean })
    expect(verdicts.filter(({ asExpected }) => !asExpected).map(one => one.scheme)).toEqual(wrong)
  })

  test.each([
    [['-s', 'identity', '-a', 'look'], 'E_ARGUMENT', '--out'],
    [['-s', 'identity', '-a', 'guessing', '-o', 'x'], 'E_ARGUMENT', 'guessing'],
    [['-s', 'nothing', '-a', 'look', '-o', 'x'], 'E_ARGUMENT', 'nothing'],
    [['-s', 'identity', '-a', 'look', '--budgets', '0', '-o', 'x'], 'E_ARGUMENT', '--budgets'],
    [['-s', 'identity', '-a', 'look', '--keys', '0', '-o', 'x'], 'E_ARGUMENT', '--keys'],
    [['-s', 'identity', '-a', './no-such-file.ts', '-o', 'x'], 'E_IO', 'no-such-file'],
  ])('%o', async (args, error, named) => {
    const { code, out, err } = await lab('attack', ...args.map(arg => (arg === 'x' ? join(scratch, 'bad') : arg)))
    expect([code, out]).not.toEqual([0, expect.anything()])
    expect(err).toContain(error)
    expect(err).toContain(named)
  })

  test('the matrix: a page, data, and the rows of each scheme', async () => {
    const [rows, out] = [join(scratch, 'matrix-run'), join(scratch, 'matrix')]
    const schemes = ['-s', 'identity', 'aes-256-gcm', 'dense-resnet-2024']
    const attacks = ['-a', 'look', 'near-key', 'chosen-mask']
    const { code, out: printed } = await lab('matrix', ...schemes, ...attacks, '--rows', rows, '-o', out)
    expect([code, printed]).toEqual([0, `${join(out, 'matrix.html')}\n`])
    const { cells } = JSON.parse(readFileSync(join(out, 'matrix.json'), 'utf8')) as {
      cells: { scheme: string; column: string; verdict: string; reason?: string; already?: string }[]
    }
    const cell = (scheme: string, column: string) => cells.find(one => one.scheme === scheme && one.column === column)!
    expect(cell('identity', 'ciphertext-only').verdict).toBe('opened')
    expect(cell('identity', 'chosen-plaintext')).toMatchObject({ verdict: 'opened', already: 'ciphertext-only' })
    expect(cell('identity', 'near-key')).toMatchObject({ verdict: 'none', reason: 'it has no secret' })
    expect(cell('aes-256-gcm', 'ciphertext-only').verdict).toBe('nothing found')
    expect(cell('aes-256-gcm', 'reused').verdict).toBe('opened')
    expect(cell('identity', 'reused')).toMatchObject({
      verdict: 'none',
      reason: expect.stringContaining('no nonce') as string,
    })
    // No cell is empty without a reason.
    for (const { verdict, reason } of cells) expect(verdict === 'none' ? reason : 'has one').toMatch(/\w/)
    const page = readFileSync(join(out, 'matrix.html'), 'utf8')
    for (const text of ['What breaks what', 'AES-256-GCM', 'data:image/png;base64,', 'rows/identity.jsonl'])
      expect(page).toContain(text)
    expect(readFileSync(join(out, 'matrix.csv'), 'utf8').split('\n')[0]).toMatch(/^scheme,situation,verdict,/)
    expect(rowsOf(rows).filter(({ control }) => control)).toHaveLength(3)

    // From what was written it goes on with nothing left to do, pictures and all; with another scheme only that runs.
    const from = (chosen: string[], folder: string) =>
      lab(
        'matrix',
        ...chosen,
        ...attacks,
        '--from',
        out,
        '--rows',
        join(scratch, `${folder}-run`),
        '-o',
        join(scratch, folder),
      )
    expect((await from(schemes, 'copy')).code).toBe(0)
    const files = (folder: string) =>
      ['matrix.html', 'matrix.json', 'matrix.csv', 'rows/controls.jsonl', 'rows/identity.jsonl'].map(name =>
        readFileSync(join(scratch, folder, name), 'utf8'),
      )
    expect(files('copy')).toEqual(files('matrix'))
    expect(existsSync(join(scratch, 'copy-run', 'rows.jsonl'))).toBe(false)
    expect((await from([...schemes, 'chacha20'], 'more')).code).toBe(0)
    expect(new Set(rowsOf(join(scratch, 'more-run')).map(({ scheme }) => scheme))).toEqual(new Set(['chacha20']))

    // Again it replaces what it wrote, and no rows of anyone else.
    const again = () => lab('matrix', ...schemes, ...attacks, '--rows', rows, '-o', out)
    expect((await again()).code).toBe(0)
    writeFileSync(join(out, 'rows/identity.jsonl'), 'mine\n')
    const refused = await again()
    expect([refused.code, refused.err.includes('[E_EXISTS]')]).toEqual([1, true])
    expect(readFileSync(join(out, 'rows/identity.jsonl'), 'utf8')).toBe('mine\n')
    // Nor does it go on from what are no trials, or from nowhere.
    const damaged = await from(schemes, 'none')
    expect([damaged.code, damaged.err.includes('[E_ARGUMENT]')]).toEqual([2, true])
    const nowhere = await lab('matrix', ...schemes, ...attacks, '--from', join(scratch, 'nowhere'), '-o', out)
    expect([nowhere.code, nowhere.err.includes('[E_IO]')]).toEqual([1, true])
    expect(existsSync(join(scratch, 'none'))).toBe(false)
  })
})
