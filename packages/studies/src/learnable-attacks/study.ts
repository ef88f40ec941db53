import { requireControls } from '@latent/lab'
import { AGAIN, LEAK, meanPicture, meanSsim, OPENED } from '../scoring.ts'
import type { Study, StudyPage } from '../study.ts'
import { type Outcome, type Row, attackPaired, attackUnpaired } from './attack.ts'
import { bestOf, page } from './page.ts'
import { CONTROLS, type CipherId, FULL, QUICK, SIDE, UNPAIRED, scaled } from './plan.ts'

/** The page of `latent lab study learnable-attacks`. */
export const study: Study = {
  id: 'learnable-attacks',
  title: 'Learned attacks on learnable ciphers',
  async run(context): Promise<StudyPage> {
    const budget = context.quick ? QUICK : FULL
    const plain = (await context.images(`cifar10/train@${SIDE}`, budget.known + budget.secret)).map(
      ({ image }) => image,
    )
    const [secret, known] = [plain.slice(0, budget.secret), plain.slice(budget.secret)]
    const guess = meanPicture(known)
    const guessing = meanSsim(
      secret,
      secret.map(() => guess),
    )
    const tried = UNPAIRED.filter(({ cipher }) => budget.ciphers.includes(cipher))
    const total = budget.ciphers.length + tried.length
    const rows: Row[] = []
    for (const cipher of budget.ciphers) {
      rows.push(await attackPaired(cipher, known, secret, budget, context))
      context.progress(rows.length, total, 'attacks')
    }
    const unpaired: {
      readonly cipher: CipherId
      readonly title: string
      readonly steps: number
      readonly outcome: Outcome
    }[] = []
    for (const { cipher, network, steps } of tried) {
      const taken = scaled(steps, budget)
      unpaired.push({
        cipher,
        title: network.title,
        steps: taken,
        outcome: await attackUnpaired(cipher, network, taken, known, secret, context),
      })
      context.progress(rows.length + unpaired.length, total, 'attacks')
    }
    if (!context.quick) requireControls(deviations(rows, guessing), 'study', AGAIN)
    return page(rows, unpaired, { guessing, budget, context })
  },
}

function deviations(rows: readonly Row[], guessing: number): string[] {
  const best = (id: CipherId) => bestOf(rows.find(({ cipher }) => cipher === id)!.same).ssim
  const [broken, whole] = [best(CONTROLS.broken), best(CONTROLS.whole)]
  return [
    ...(broken < OPENED ? [`no attack opened ${CONTROLS.broken}, which hides nothing: SSIM ${broken.toFixed(3)}`] : []),
    ...(whole > guessing + LEAK
      ? [
          `an attack found something in ${CONTROLS.whole}: SSIM ${whole.toFixed(3)}, and guessing ` +
            `gives ${guessing.toFixed(3)}`,
        ]
      : []),
  ]
}
