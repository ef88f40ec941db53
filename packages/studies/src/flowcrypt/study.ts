import type { Study } from '../study.ts'
import { damageSection } from './damage.ts'
import { keySection, nudgeSection } from './keys.ts'
import { attackSection, squintSection } from './leaks.ts'
import { measureAll, pictures, table, tradeOff } from './quality.ts'
import { shipped, untrained } from './variants.ts'
import { INTRO, PLAIN_WORDS, facts } from './words.ts'

/** The page of `latent lab study flowcrypt-2025`. */
export const study: Study = {
  id: 'flowcrypt-2025',
  title: 'FlowCrypt',
  async run(context) {
    const [paper, structured, compact, quality, statistics, start] = await Promise.all([
      shipped('learned', 'paper', 'flowcrypt-2025', 12),
      shipped('from our start', 'paper', 'flowcrypt-2025-structured', 12),
      shipped('compact', 'compact', 'flowcrypt-2025-compact', 5),
      shipped('compact, quality', 'compact', 'flowcrypt-2025-compact-quality', 10),
      shipped('compact, statistics', 'compact', 'flowcrypt-2025-compact-statistics', 10),
      untrained(),
    ])
    const variants = [paper, structured, compact, quality, statistics, start]
    try {
      const rows = await measureAll(context, variants)
      return {
        title: 'FlowCrypt (Yang, Ping, Xu 2025)',
        lead: 'pictures',
        intro: INTRO,
        sections: [
          facts(),
          table(context, rows, paper),
          keySection(rows),
          await squintSection(context, rows, paper),
          await nudgeSection(context, [paper, compact]),
          await tradeOff(rows, [quality, compact, start, statistics]),
          await damageSection(context, [paper, compact, quality]),
          await attackSection(context, compact),
          await pictures(context, paper),
          PLAIN_WORDS,
        ],
      }
    } finally {
      for (const { runner } of variants) await runner.close()
    }
  },
}
