import { defineScheme, type Scheme } from '../contract/scheme.ts'

const ID = 'abadi-andersen-2016'

/** Whether its weights lie in `models/`: until then it is a recipe, and takes weights of one's own. */
const TRAINED = true

/** The scheme of this folder. Code and weights are loaded when it is opened. */
export const abadiScheme: Scheme = defineScheme({
  id: ID,
  title: 'Adversarial neural cryptography (Abadi and Andersen 2016): a cipher of sixteen bits, learned',
  role: 'reconstructed',
  paper: {
    authors: 'Abadi, Andersen',
    title: 'Learning to protect communications with adversarial neural cryptography',
    year: 2016,
    where: 'arXiv 1610.06918',
  },
  wire: ['f32', 'u16', 'u8'],
  exact: false,
  weights: { scheme: ID, profile: 'paper' },
  keySpace: {
    bits: 256,
    note: 'Sixteen keys of 16 bits, each found by itself by trying 65,536 where the networks are known.',
  },
  derivation: [
    { name: 'networks', value: 'a full layer of 2N, four one-dimensional convolutions, sigmoids', standing: 'source' },
    { name: 'N', value: '16 bits of message, of key, and numbers of cipher', standing: 'source' },
    { name: 'losses', value: "Bob's error, and Eve's distance from half of the bits, squared", standing: 'source' },
    { name: 'turns', value: 'Eve learns twice as much as Alice and Bob', standing: 'source' },
    { name: 'those turns', value: 'one step of twice as many messages at twice the rate', standing: 'ours' },
    {
      name: 'batch and rate',
      value: '512 messages, Adam from 0.002 by a cosine; published are 4,096 and 0.0008',
      standing: 'ours',
    },
    { name: 'Eve', value: 'counts nothing in the first 1,000 steps, and in full from 4,000 on', standing: 'ours' },
    { name: 'biases', value: 'in every layer', standing: 'ours' },
    { name: 'longer messages', value: 'blocks of two bytes, each by itself', standing: 'ours' },
    { name: 'keys', value: 'sixteen of 16 bits in turn, the bytes of the key', standing: 'ours' },
  ],
  load: async ({ weights } = {}) => {
    const [{ abadiTransform }, { modelFor }] = await Promise.all([import('./cipher.ts'), import('../models/index.ts')])
    return abadiTransform(await modelFor({ scheme: ID, profile: 'paper' }, weights))
  },
})

/** For the registry. */
export const abadiSchemes: readonly Scheme[] = TRAINED ? [abadiScheme] : []
