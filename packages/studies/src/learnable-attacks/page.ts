import { contactSheet, enlarged } from '../pictures.ts'
import { LEAK, OPENED, verdict } from '../scoring.ts'
import type { StudyContext, StudyPage } from '../study.ts'
import { type Outcome, type Row } from './attack.ts'
import { ATTACKERS, type Budget, CONTROLS, type CipherId, DIFFERENT, SIDE, scaled } from './plan.ts'

/** The outcome of the best attacker. */
export const bestOf = (outcomes: ReadonlyMap<string, Outcome>): Outcome =>
  Array.from(outcomes.values()).reduce((best, other) => (other.ssim > best.ssim ? other : best))

const figure = (found: Outcome | undefined): string => found?.ssim.toFixed(3) ?? ''

/** The page, from all that was measured. */
export function page(
  rows: readonly Row[],
  unpaired: readonly {
    readonly cipher: CipherId
    readonly title: string
    readonly steps: number
    readonly outcome: Outcome
  }[],
  { guessing, budget, context }: { guessing: number; budget: Budget; context: StudyContext },
): StudyPage {
  const different = ATTACKERS.filter(({ network }) => DIFFERENT.has(network.id))
  const settings = ATTACKERS.map(({ network, published, steps, rate, pairs }) => [
    network.id,
    network.title,
    published ? 'published, repaired' : 'ours',
    Math.min(pairs, budget.known),
    scaled(steps, budget),
    rate,
  ])
  const rowOf = (id: CipherId) => rows.find(({ cipher }) => cipher === id)!
  const broken = rowOf(CONTROLS.broken)
  const paired = <K extends 'same' | 'different'>(keys: K, row: Pick<Row, 'before' | K>) =>
    verdict({ ssim: bestOf(row[keys]).ssim, guessing, untouched: row.before[keys], control: bestOf(broken[keys]).ssim })
  const unpairedControl = unpaired.find(({ cipher }) => cipher === CONTROLS.broken)?.outcome.ssim ?? 0
  const wins = rows.filter(row => paired('same', row).startsWith('opened')).map(({ cipher }) => cipher)
  const publishedWins = rows
    .filter(({ same }) =>
      ATTACKERS.some(({ network, published }) => published && (same.get(network.id)?.ssim ?? 0) >= OPENED),
    )
    .map(({ cipher }) => cipher)
  const withoutKey = rows
    .filter(({ before, different }) => bestOf(different).ssim > Math.max(guessing, before.different) + LEAK)
    .map(({ cipher }) => cipher)
  const list = (ids: readonly string[]) => (ids.length === 0 ? 'none' : ids.map(id => `\`${id}\``).join(', '))
  return {
    title: 'Learned attacks on learnable ciphers',
    intro: [
      'A network is trained to turn cipher images back into plain ones, and scored on ' +
        `${budget.secret} pictures that it never saw: middles of ${SIDE} x ${SIDE} pixels of ` +
        `CIFAR-10's training pictures, structural similarity (SSIM) to the plain ones. The key is ` +
        'never touched.',
      'The chosen-plaintext attacks of [the attacks page](../../lab/attacks.md) open most of these ' +
        'ciphers exactly. This page asks what is left for an attacker who can choose nothing and has ' +
        'only learned.',
      `Guessing the mean picture every time scores ${guessing.toFixed(3)}: a score is a leak from ` +
        `${LEAK} above that, and a picture counts as opened from ${OPENED}. Controls: ` +
        `\`${CONTROLS.broken}\` must be opened and \`${CONTROLS.whole}\` must not; otherwise this page ` +
        'is not written. An attack that does nothing scores what the cipher image does; "not opened" is ' +
        'said only where the same attack opened pictures that nobody ' +
        `encrypted.${context.quick ? ' **This was a quick run: its figures mean nothing.**' : ''}`,
    ],
    sections: [
      {
        heading: 'Pairs under the same key',
        text: [
          'The attacker has pictures in both forms, under the key that made the others. ' +
            '`shared-pixels` and `shared-blocks` are the published inverse networks (repository ' +
            '`learnable_encryption_robustness`), with a sigmoid and targets in 0..1 in place of tanh, ' +
            'sigmoid and targets in -1..1, which cannot fit. Their weights are the same at every pixel ' +
            'or block. The others are ours: a linear map for every pixel, for every block of 4 x 4, or ' +
            'for the whole image. Complementing, moving and exchanging nibbles are linear, so these ' +
            'can hold such keys.',
          `Opened by any attacker: ${list(wins)}. Opened by a published one: ${list(publishedWins)}. ` +
            'What a published network does not open is often what its shared weights cannot express, ' +
            'and no sign of strength.',
        ],
        tables: [
          {
            columns: ['cipher', 'cipher image', ...ATTACKERS.map(({ network }) => network.id), 'verdict'],
            rows: rows.map(({ cipher, before, same }) => [
              cipher,
              before.same.toFixed(3),
              ...ATTACKERS.map(({ network }) => figure(same.get(network.id))),
              paired('same', { before, same }),
            ]),
          },
        ],
        figures: [
          {
            name: 'same-key',
            caption:
              'A picture drawn by Latent. From the left: plain, cipher image, the best attack with ' +
              'pairs under the same key, the best with pairs under other keys. Rows as in the table.',
            image: contactSheet(
              rows.flatMap(({ shown, same, different }) =>
                [shown.plain, shown.cipher, bestOf(same).shown, bestOf(different).shown].map(picture =>
                  enlarged(picture, 4),
                ),
              ),
              4,
            ),
          },
        ],
      },
      {
        heading: 'Pairs under other keys',
        text: [
          'Every pair was made under a key of its own, and so was every picture to open: only what ' +
            'all keys have in common can be learned.',
          `Above guessing, and above the cipher image itself: ${list(withoutKey)}.`,
        ],
        tables: [
          {
            columns: ['cipher', 'cipher image', ...different.map(({ network }) => network.id), 'verdict'],
            rows: rows.map(({ cipher, before, different: found }) => [
              cipher,
              before.different.toFixed(3),
              ...different.map(({ network }) => figure(found.get(network.id))),
              paired('different', { before, different: found }),
            ]),
          },
        ],
      },
      {
        heading: 'No pairs at all',
        text: [
          'The GAN attack: cipher images under one key and other plain pictures of the same kind. ' +
            'Spectral norm, max-pooled scores and binary cross-entropy as published; a weight of 0.1 ' +
            'on total variation, batches of 32 and few steps are ours. With so few steps this says ' +
            'what is easy, not what is impossible. Where it does not open pictures that nobody ' +
            'encrypted, it says nothing of a cipher that it does not open.',
        ],
        tables: [
          {
            columns: ['cipher', 'network', 'steps', 'cipher image', 'SSIM', 'verdict'],
            rows: unpaired.map(({ cipher, title, steps, outcome }) => [
              cipher,
              title,
              steps,
              rowOf(cipher).before.same.toFixed(3),
              outcome.ssim.toFixed(3),
              verdict({ ssim: outcome.ssim, guessing, untouched: rowOf(cipher).before.same, control: unpairedControl }),
            ]),
          },
        ],
        figures: [
          {
            name: 'unpaired',
            caption:
              'The same picture as each attack without pairs sees it: ' +
              `${unpaired.map(({ cipher }) => cipher).join(', ')}.`,
            image: contactSheet(
              unpaired.map(({ outcome }) => enlarged(outcome.shown, 4)),
              unpaired.length,
            ),
          },
        ],
      },
      {
        heading: 'Settings',
        text: [
          'Mean squared error, Adam, batches of 32, rates falling along a cosine. Published: SGD at ' +
            '0.01 over 50 epochs, 32 x 32 pixels, 10,000 test images; figures there and here are ' +
            'therefore not comparable in size, only in which cipher falls to what.',
        ],
        tables: [{ columns: ['attacker', 'what it is', 'origin', 'pairs', 'steps', 'rate'], rows: settings }],
      },
    ],
  }
}
