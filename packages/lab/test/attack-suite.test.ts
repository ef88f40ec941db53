import { bytewise, defineScheme, findScheme, type Scheme } from '@latent/schemes'
import { describe, expect, test } from 'vitest'
import { atLength, LONG } from '../../../test/long.ts'
import {
  type Attack,
  ATTACKS,
  attackFault,
  controlBroken,
  defineAttack,
  findAttack,
  gated,
  judgeAttack,
  requireAttack,
  runTrial,
  type TrialRow,
  withAttacks,
} from '../src/index.ts'

const meant = { nonces: 'as meant', key: 1 } as const
type Nonces = TrialRow['nonces']
const controlOf = ({ positiveControl: { scheme } }: Attack): Scheme =>
  typeof scheme === 'string' ? findScheme(scheme) : scheme

/** They train networks, or search: of the long form altogether. */
const COSTLY = new Set([
  'class-by-network',
  'folded-map',
  'inverse-local-blocks',
  'inverse-local-pixels',
  'jigsaw',
  'jigsaw-of-many',
  'map-of-many',
  'short-keys',
  'unpaired-colours',
])
const tried = ATTACKS.filter(({ id }) => LONG || !COSTLY.has(id))

// Small sizes: one key each. `latent lab attack --controls` does the same with two, and prints it.
describe.each(tried.map(attack => [attack.id, attack] as const))(`%s${atLength}`, { timeout: 120_000 }, (_, attack) => {
  const { budget } = attack
  const opened = new Map<Nonces, Promise<TrialRow>>()
  /** One trial of the positive control, which two tests look at. */
  const control = (nonces: Nonces): Promise<TrialRow> => {
    const row =
      opened.get(nonces) ?? runTrial(attack, controlOf(attack), { ...meant, budget, nonces }, { control: true })
    opened.set(nonces, row)
    return row
  }

  test('breaks its positive control', async () => {
    const { positiveControl } = attack
    const row = await control(positiveControl.nonces ?? 'as meant')
    expect(row.error).toBeUndefined()
    const judged = judgeAttack(attack, [row])
    expect([judged, controlBroken(attack, judged)]).toEqual([expect.anything(), true])
    expect(row.queries).toBeLessThanOrEqual(budget)
  })

  // Whoever opens AES here opens whatever comes; the other controls are of the long form.
  test.each(LONG ? ['aes-256-gcm', 'exact-flow'] : ['aes-256-gcm'])(`finds nothing in %s`, async id => {
    const scheme = findScheme(id)
    const row = await runTrial(attack, scheme, { ...meant, budget })
    expect(judgeAttack(attack, [row]).reached).toBe('nothing')
    // What is refused is refused by the scheme, never by a fault of the attack.
    expect([undefined, 'E_IMAGE', 'E_UNSUPPORTED']).toContain(row.error?.code)
  })

  test.runIf(LONG)(`found the picture that was encrypted, and not another`, async () => {
    const row = await control('as meant')
    const mistaken = row.targets.map(target => ('mistaken' in target ? target.mistaken : 0))
    expect(mistaken.reduce((sum, one) => sum + one, 0) / row.targets.length).toBeLessThan(0.25)
  })

  test.runIf(LONG)(`finds nothing in its control where every answer is for another picture`, async () => {
    const { positiveControl } = attack
    const nonces = positiveControl.nonces ?? 'as meant'
    const row = await runTrial(attack, controlOf(attack), { ...meant, budget, nonces, answers: 'shuffled' })
    expect(judgeAttack(attack, [row]).reached).toBe('nothing')
  })
})

describe('hostile cases', () => {
  const plain = defineAttack({
    id: 'mine',
    title: 'mine',
    threat: 'known-pairs',
    positiveControl: { scheme: 'identity', expects: 'opened' },
    run: async () => undefined,
  })
  const identity = findScheme('identity')
  const settings = { ...meant, budget: 4 }

  test('the registry has no two of one id, and every entry keeps the contract', () => {
    expect(new Set(ATTACKS.map(({ id }) => id)).size).toBe(ATTACKS.length)
    for (const id of COSTLY) findAttack(id)
    for (const attack of ATTACKS) expect([attack.id, attackFault(attack)]).toEqual([attack.id, undefined])
    expect(() => findAttack('guess')).toThrow(expect.objectContaining({ code: 'E_ARGUMENT' }))
    expect(() => withAttacks([{ ...plain, id: 'look' }])).toThrow(expect.objectContaining({ code: 'E_ARGUMENT' }))
    expect(withAttacks([plain]).at(-1)).toBe(plain)
  })

  test.each([
    [{ id: 'No' }, /id is not made of/],
    [{ title: ' ' }, /no title/],
    [{ threat: 'psychic' }, /threat is none of/],
    [{ returns: 'fame' }, /returns is none of/],
    [{ budget: 0 }, /budget/],
    [{ returns: 'class', pictures: 'scenes' }, /only digits/],
    [{ run: undefined }, /no function run/],
    [{ positiveControl: undefined }, /no positiveControl/],
    [{ positiveControl: { scheme: 'identity', expects: 'much' } }, /expects neither/],
  ])('no attack: %o', (change, said) => {
    expect(() => requireAttack({ ...plain, ...change })).toThrow(
      expect.objectContaining({ code: 'E_SCRIPT', message: expect.stringMatching(said) as string }),
    )
  })

  test.each([0, -1, 1.5, NaN])('a budget of %d', async budget => {
    await expect(runTrial(plain, identity, { ...settings, budget })).rejects.toMatchObject({ code: 'E_ARGUMENT' })
  })

  const greedy = (ask: (oracles: Parameters<Attack['run']>[0]) => Promise<unknown>): Attack => ({
    ...plain,
    run: async oracles => {
      await ask(oracles)
      return { open: targets => targets.map(() => undefined as never) }
    },
  })

  test('over the budget the oracles refuse, and the attack has found nothing', async () => {
    const row = await runTrial(
      greedy(({ pairs }) => pairs(5)),
      identity,
      settings,
    )
    expect(row).toMatchObject({ outcome: 'nothing', queries: 0, error: { code: 'E_LIMIT' }, targets: [] })
    expect(judgeAttack(plain, [row]).reached).toBe('nothing')
  })

  test.each<[string, (oracles: Parameters<Attack['run']>[0]) => Promise<unknown>]>([
    ['encrypt', async ({ encrypt, kin }) => encrypt((await kin(1))[0]!)],
    ['decrypt', async ({ decrypt, ciphers }) => decrypt((await ciphers(1))[0]!)],
    ['labelled', ({ labelled }) => labelled(1)],
    ['nearlyDecrypt', async ({ nearlyDecrypt, ciphers }) => nearlyDecrypt((await ciphers(1))[0]!)],
    ['-1 answers', ({ pairs }) => pairs(-1)],
  ])('%s, which the threat model lacks', async (_, ask) => {
    await expect(runTrial(greedy(ask), identity, settings)).rejects.toMatchObject({ code: 'E_SCRIPT' })
  })

  test('a target is not decrypted for anybody', async () => {
    const attack: Attack = {
      ...plain,
      threat: 'chosen-ciphertext',
      run: async ({ decrypt }) => ({
        open: async targets => [(await decrypt({ ...targets[0]!, annotations: {} })) as never],
      }),
    }
    await expect(runTrial(attack, identity, settings)).rejects.toMatchObject({
      code: 'E_SCRIPT',
      message: expect.stringContaining('a target') as string,
    })
  })

  test.each<[string, unknown]>([
    ['nothing', {}],
    ['too few', { open: () => [] }],
    ['no pictures', { open: (targets: unknown[]) => targets.map(() => ({ width: 1 })) }],
  ])('an attack that gives %s', async (_, found) => {
    await expect(runTrial({ ...plain, run: async () => found as never }, identity, settings)).rejects.toMatchObject({
      code: 'E_SCRIPT',
    })
  })

  test('a scheme that throws is a row of its own', async () => {
    const broken = (throwing: 'load' | 'encrypt') =>
      defineScheme({
        id: 'broken',
        title: 'broken',
        load: async () => {
          if (throwing === 'load') throw new Error('out of order')
          return bytewise({
            encrypt: () => Promise.reject(new Error('out of order')),
            decrypt: () => Promise.reject(new Error('out of order')),
          })
        },
      })
    for (const throwing of ['load', 'encrypt'] as const)
      expect(await runTrial(plain, broken(throwing), settings)).toMatchObject({
        outcome: 'refused',
        error: { code: 'E_INTERNAL', message: 'out of order' },
      })
  })

  test('a trial that is run again gives the same row', async () => {
    const run = async () => ({
      ...(await runTrial(findAttack('known-map'), findScheme('vortex-2024'), settings)),
      seconds: 0,
    })
    expect(await run()).toEqual(await run())
  })
})

describe('verdicts', () => {
  const attack = findAttack('known-mask')
  const target = (ssim: number, recognised: number) => ({ ssim, psnr: 20, recognised, wrong: 0.1, mistaken: 0 })
  const row = (ssim: number, recognised: number, untouched: number, seen = 0.08): TrialRow => ({
    kind: 'trial',
    attack: attack.id,
    scheme: 'x',
    nonces: 'as meant',
    answers: 'true',
    budget: 1,
    key: 1,
    control: false,
    outcome: 'found',
    queries: 1,
    seconds: 0,
    targets: Array.from({ length: 12 }, (_, picture) => ({ picture, ...target(ssim, recognised) })),
    nothing: { untouched, guess: 0.2, recognised: seen },
  })
  test.each<[string, TrialRow, string]>([
    ['opened', row(0.9, 1, 0.1), 'opened'],
    ['no further than the cipher image itself', row(0.756, 1, 0.772, 1), 'nothing'],
    ['recognised where nothing was before', row(0.1, 1, 0.1), 'leaks'],
    ['recognised, but so was the cipher image', row(0.1, 1, 0.1, 1), 'nothing'],
    ['as good as guessing', row(0.25, 0, 0.1), 'nothing'],
  ])('%s', (_, found, reached) => {
    expect(judgeAttack(attack, [found]).reached).toBe(reached)
  })

  test('says nothing where its control held', () => {
    expect(gated(judgeAttack(attack, [row(0.1, 0, 0.1)]), false)).toBe('no verdict')
    expect(gated(judgeAttack(attack, [row(0.9, 1, 0.1)]), false)).toBe('no verdict')
    expect(gated(judgeAttack(attack, [row(0.1, 0, 0.1)]), true)).toBe('nothing')
  })

  test('a key that gave nothing counts as nothing', () => {
    const lost: TrialRow = { ...row(0, 0, 0), outcome: 'nothing', targets: [] }
    expect(judgeAttack(attack, [row(0.9, 1, 0.1), lost])).toMatchObject({ trials: 2, scored: 1, reached: 'leaks' })
  })
})
