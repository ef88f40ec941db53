import { type Image } from '@latent/core'
import { type DenseNetworks, denseResnetCipher, DESCRIBED, REPAIRED } from '@latent/schemes/dense-resnet'
import { type Disturbance } from '@latent/lab'
import { contactSheet } from '../pictures.ts'
import type { StudyContext, StudySection } from '../study.ts'
import { trail } from './attacks.ts'
import { keyOf } from './measure.ts'
import { CHAIN, SBOX, fixed, nameOf, percent } from './ciphers.ts'
import { scenes } from './quality.ts'

const DAMAGE: readonly Disturbance[] = [
  { kind: 'occlusion', strength: 1 / 16 },
  { kind: 'occlusion', strength: 1 / 8 },
  { kind: 'occlusion', strength: 1 / 4 },
  { kind: 'salt-pepper', strength: 0.01 },
  { kind: 'salt-pepper', strength: 0.05 },
  { kind: 'salt-pepper', strength: 0.1 },
  { kind: 'jpeg', strength: 95 },
]
const damageName = ({ kind, strength }: Disturbance) =>
  kind === 'occlusion'
    ? `occlusion of 1/${Math.round(1 / strength)}`
    : kind === 'jpeg'
      ? `JPEG of quality ${strength}`
      : `salt and pepper, ${percent(strength, 0)}`
/** Of the above, those with a picture. */
const SHOWN = 6

/** The section on damage: how far it reaches once the diffusion is undone. */
export async function trails(networks: DenseNetworks, { progress }: StudyContext): Promise<StudySection> {
  const [, plain] = await scenes()
  const key = await keyOf(1, 'trails')
  const rows: (string | number)[][] = DAMAGE.map(damage => [damageName(damage)])
  const shown: Image<'u8'>[] = []
  for (const variant of [DESCRIBED, REPAIRED]) {
    const cipher = denseResnetCipher(networks, variant)
    const encrypted = await cipher.encrypt(plain, key, { nonce: Uint8Array.of(9) })
    for (const [i, damage] of DAMAGE.entries()) {
      const { psnr, damaged, hit, restored } = await trail(cipher, encrypted, key, plain, damage, key)
      rows[i]!.push(percent(hit), fixed(psnr, 2), percent(damaged))
      shown.push(restored)
      progress(i + 1, DAMAGE.length, `damage, ${variant.id}`)
    }
  }
  return {
    heading: 'Damage leaves a trail, and that is no security',
    text: [
      'The abstract sells visible trails of damage as traceability. They follow from the diffusion ' +
        'undoing itself locally: one wrong cipher byte makes passes + 1 neighbouring bytes wrong, in ' +
        'all four rules, however well they spread a change while encrypting; the decryption network ' +
        'then smears it over blocks of 4x4 pixels and their neighbours. A trail shows that something ' +
        'was lost, but not that something was altered with care: an attacker who knows the diffusion ' +
        'chooses what the trail looks like. Nothing here authenticates.',
      'A cipher image that went through JPEG has lost its text chunks, and is refused with `E_IMAGE` ' +
        'and a hint that says so. For the figures here they were put back by hand: what comes back is ' +
        'noise.',
    ],
    tables: [
      {
        columns: [
          'damage to the cipher',
          ...[CHAIN, SBOX].flatMap(diffusion => [
            `${nameOf(diffusion)}: bytes hit`,
            'PSNR, dB',
            'samples off by more than 8 levels',
          ]),
        ],
        rows,
      },
    ],
    figures: [
      {
        name: 'trails-described',
        caption: `Decrypted after damage, ${nameOf(CHAIN)}: ${DAMAGE.slice(0, SHOWN).map(damageName).join(', ')}.`,
        image: contactSheet(shown.slice(0, SHOWN), 3),
      },
      {
        name: 'trails-repaired',
        caption: `The same, ${nameOf(SBOX)}.`,
        image: contactSheet(shown.slice(DAMAGE.length, DAMAGE.length + SHOWN), 3),
      },
    ],
  }
}
