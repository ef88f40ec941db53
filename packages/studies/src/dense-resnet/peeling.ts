import { type Image } from '@latent/core'
import { type DenseNetworks, diffuse, type Diffusion, intermediateCipher, passKeys } from '@latent/schemes/dense-resnet'
import { peel } from '@latent/lab'
import { chart } from '../charts.ts'
import { contactSheet } from '../pictures.ts'
import type { StudySection, StudyTable } from '../study.ts'
import { asPicture, differenceHistogram, reuse } from './attacks.ts'
import { keyOf } from './measure.ts'
import { CHAIN, NONE, SBOX, fixed, nameOf, percent } from './ciphers.ts'
import { scenes } from './quality.ts'

/** Ciphers of one intermediate and of the same with one byte raised by 1, under each diffusion. */
export async function constantDifference(networks: DenseNetworks): Promise<StudySection> {
  const [plain] = await scenes()
  const [intermediate, moved] = await Promise.all(
    [plain, { ...plain, data: plain.data.with(60_000, plain.data[60_000]! ^ 1) }].map(
      async picture => (await intermediateCipher(networks, picture)).data as Uint8Array,
    ),
  )
  const key = await keyOf(1, 'difference')
  const histograms = await Promise.all(
    [CHAIN, SBOX].map(async diffusion => {
      const keys = await passKeys(diffusion, intermediate!.length, key, NONE)
      return {
        diffusion,
        shares: differenceHistogram(
          diffuse(diffusion.rule, intermediate!, keys),
          diffuse(diffusion.rule, moved!, keys),
        ),
      }
    }),
  )
  const values = ({ shares }: (typeof histograms)[number]) => shares.reduce((sum, share) => sum + Number(share > 0), 0)
  return {
    heading: 'Weakness: an XOR chain does not diffuse values',
    text: [
      'The chain is linear over GF(2): what differs between two ciphers does not depend on the key. ' +
        'Behind the last changed byte the difference is one constant; a second pass makes it alternate ' +
        `with zero. Of the 256 values that C ^ C' can take, ${values(histograms[0]!)} occur under ` +
        `${nameOf(CHAIN)} and ${values(histograms[1]!)} under ${nameOf(SBOX)}; the commonest makes up ` +
        `${percent(Math.max(...histograms[0]!.shares))} and ` +
        `${percent(Math.max(...histograms[1]!.shares), 2)} (a random one: ${percent(1 / 256, 2)}).`,
    ],
    figures: await Promise.all(
      histograms.map(async ({ diffusion, shares }) => ({
        name: `difference-${diffusion.rule}`,
        caption: `Values of C ^ C' for two pictures that differ in one bit of one sample, ${nameOf(diffusion)}.`,
        svg: await chart(
          [...shares].map((y, x) => ({ x, y })),
          { title: nameOf(diffusion), x: "value of C ^ C'", y: 'share of bytes', mark: 'bar', rangeX: [0, 255] },
        ),
      })),
    ),
  }
}

/** The section on one known pair, which opens every picture under its key. */
export async function peeling(networks: DenseNetworks): Promise<StudySection> {
  const [known, target] = await scenes()
  const key = await keyOf(1, 'peeling')
  const [a, b] = (await Promise.all([known, target].map(picture => intermediateCipher(networks, picture)))) as [
    Image<'u8'>,
    Image<'u8'>,
  ]
  const under = async (diffusion: Diffusion, bytes: Uint8Array, nonce: Uint8Array) =>
    diffuse(diffusion.rule, bytes, await passKeys(diffusion, bytes.length, key, nonce))
  const attack = async (diffusion: Diffusion, nonces: readonly [Uint8Array, Uint8Array]) =>
    reuse(
      diffusion,
      { plain: known, intermediate: a, cipher: await under(diffusion, a.data, nonces[0]) },
      { plain: target, intermediate: b, cipher: await under(diffusion, b.data, nonces[1]) },
    )
  const fresh = [Uint8Array.of(1), Uint8Array.of(2)] as const
  const cases = [
    { name: `${nameOf(CHAIN)}, key stream reused (as described)`, found: await attack(CHAIN, [NONE, NONE]) },
    { name: `${nameOf(CHAIN)}, fresh nonce`, found: await attack(CHAIN, fresh) },
    { name: `${nameOf(SBOX)}, key stream reused`, found: await attack(SBOX, [NONE, NONE]) },
    { name: `${nameOf(SBOX)}, fresh nonce (repaired)`, found: await attack(SBOX, fresh) },
  ]
  const [ca, cb] = [await under(CHAIN, a.data, NONE), await under(CHAIN, b.data, NONE)]
  const table: StudyTable = {
    columns: ['diffusion', "P ^ P' recovered without the key", 'restored picture, PSNR, dB'],
    rows: cases.map(({ name, found: { share, psnr } }) => [name, percent(share, 2), fixed(psnr, 2)]),
  }
  return {
    heading: 'Weakness: the diffusion peels off without the key',
    text: [
      'As described, the key stream depends on the key alone. XOR passes give C = L(P) ^ constant with ' +
        "a public L, so that two ciphers under one key give P ^ P' of their intermediate ciphers, " +
        'without the key and for any number of passes. Whoever also knows one of the two pictures runs ' +
        "it through the public encryption network, has its P, hence the other's, and the public " +
        'decryption network shows it. No network needs to be trained for this attack, and none to be ' +
        'broken.',
    ],
    tables: [table],
    figures: [
      {
        name: 'peeled',
        caption:
          `Above: two pictures under one key, ${nameOf(CHAIN)}: known picture, its cipher, the other's ` +
          `cipher, P ^ P' peeled without the key. Below: what the other picture was; restored from the ` +
          `ciphers and the known picture; the same attack on ${nameOf(SBOX)}.`,
        image: contactSheet(
          [
            known,
            asPicture(ca, a),
            asPicture(cb, b),
            asPicture(peel(CHAIN, ca, cb), a),
            target,
            cases[0]!.found.restored,
            cases[2]!.found.restored,
          ],
          4,
        ),
      },
    ],
  }
}
