import type { Study } from '../study.ts'
import { breaking } from './breaking.ts'
import { drawnKeys, publishedKeys } from './keys.ts'

const PARTS = 3

/** The page of `latent lab study vortex-2024`. */
export const study: Study = {
  id: 'vortex-2024',
  title: 'Random vortex transformation (Cao et al. 2024)',
  async run(context) {
    const published = await publishedKeys(context)
    context.progress(1, PARTS, 'parts')
    const drawn = await drawnKeys(context)
    context.progress(2, PARTS, 'parts')
    const broken = await breaking(context)
    context.progress(PARTS, PARTS, 'parts')
    return {
      title: 'Random vortex transformation (Cao et al. 2024)',
      lead: 'pictures',
      intro: [
        'Cao, Mo, Wang, Lai and Huang, arXiv 2411.16207: discs of an image are stirred, ring by ' +
          'ring, under one list of vortices for a whole data set, so that neighbours stay mostly ' +
          'neighbours and a network still learns. The transform follows the code of the paper’s ' +
          'repository; the information measure is our reading of the abstract.',
        '**Secret:** the list of vortices (centres, radii, turns of each ring). **What breaks it:** ' +
          'one chosen picture, or a few known ones; and much of every picture never moves. **What it ' +
          'is for:** keeping a data set from a glance while training, from nobody who can have a ' +
          'picture of his own encrypted.',
        '**Ours, where the repository is silent or MATLAB’s:** centres and weights come from a keyed ' +
          'stream; where 32 bytes are the key, grey pictures take the settings of the script for MNIST ' +
          '(10 vortices), others those for CIFAR-10 (5). `vortex-2024-bijective` is our variant that ' +
          'can be undone: every ring turns by whole pixels.',
        'What networks learn from it: [learning from encrypted ' +
          'images](../../lab/learnability.md).' +
          (context.quick ? ' **This was a quick run: its figures mean nothing.**' : ''),
      ],
      sections: [published, drawn, ...broken],
    }
  },
}
