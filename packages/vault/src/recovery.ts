import { LatentError } from '@latent/core'
import { bech32 } from '@scure/base'
import { entropyToMnemonic, mnemonicToEntropy } from '@scure/bip39'
import { wordlist } from '@scure/bip39/wordlists/english.js'
import { renderSVG } from 'uqr'

const KINDS = { '': 'age-secret-key-', pq: 'age-secret-key-pq-' } as const

/**
 * An age identity as words that can be written down: 24 of BIP-39's English ones, of which the last holds a check;
 * `pq` in front of them for a post-quantum identity.
 * @throws E_KEY for what has no such words: SSH keys
 */
export function identityWords(identity: string): string {
  try {
    const { prefix, bytes } = bech32.decodeToBytes(identity.trim().toLowerCase())
    const kind = (['', 'pq'] as const).find(each => KINDS[each] === prefix)
    if (kind !== undefined && bytes.length === 32)
      return `${kind === '' ? '' : `${kind} `}${entropyToMnemonic(bytes, wordlist)}`
  } catch {
    // Never with a cause: it would quote the identity.
  }
  throw new LatentError('E_KEY', 'this identity has no words', {
    hint: 'those that latent keygen makes have; of an SSH key, keep a copy of its file',
  })
}

/**
 * The identity that words stand for. Case, line ends, commas and numbers in front of words do not matter.
 * @throws E_KEY that says which word is none, or that the check fails; words are not quoted
 */
export function identityOfWords(text: string): string {
  const words = text.toLowerCase().match(/[a-z]+/g) ?? []
  const kind = words[0] === 'pq' ? 'pq' : ''
  const list = kind === 'pq' ? words.slice(1) : words
  if (list.length !== 24)
    throw new LatentError('E_KEY', `a recovery sheet has 24 words, and these are ${list.length}`, {
      hint: 'write them in order, with spaces or line ends between them',
    })
  const wrong = list.flatMap((word, i) => (wordlist.includes(word) ? [] : [i + 1]))
  if (wrong.length > 0)
    throw new LatentError('E_KEY', `these words are none of the list: number ${wrong.join(', ')}`, {
      hint: 'compare them with the sheet, letter by letter',
    })
  let bytes: Uint8Array
  try {
    bytes = mnemonicToEntropy(list.join(' '), wordlist)
  } catch {
    throw new LatentError('E_KEY', 'the words are of the list, but not those of one sheet: their check fails', {
      hint: 'a word is wrong, or two are exchanged',
    })
  }
  return bech32.encodeFromBytes(KINDS[kind], bytes).toUpperCase()
}

const escaped = (text: string) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')

/** What a sheet says besides words. */
export interface SheetText {
  readonly recipient: string
  /** Where the photos are, as a person would write it; may be absent. */
  readonly vault?: string
}

/** A sheet of A4 to print, as SVG: what to do, the words, and the identity as a QR code. It is as secret as the key. */
export function recoverySheet(identity: string, { recipient, vault }: SheetText): string {
  const words = identityWords(identity).split(' ')
  const pq = words[0] === 'pq'
  const list = pq ? words.slice(1) : words
  const line = (y: number, text: string, style = '') => `<text x="60" y="${y}" ${style}>${escaped(text)}</text>`
  const cell = (word: string, i: number) => {
    const [x, y] = [60 + 170 * (i % 4), 330 + 34 * Math.floor(i / 4)]
    return (
      `<text x="${x}" y="${y}" class="small">${i + 1}</text>` +
      `<text x="${x + 26}" y="${y}" class="word">${word}</text>`
    )
  }
  const code = renderSVG(identity, { border: 2, pixelSize: 4, blackColor: '#000', whiteColor: '#fff' })
  const picture = code.replace('<svg ', '<svg x="60" y="590" width="250" height="250" ')
  const steps = [
    '1. Install Latent (npm install --global latent) on a machine that you trust.',
    `2. Write the words${pq ? ', with pq in front of them,' : ''} into a file, words.txt, and run`,
    '     latent recovery use --words words.txt -o me.key',
    '   or scan the code: what it says is the one line of the file me.key.',
    vault === undefined
      ? '3. latent open SEALED -o PHOTOS -i me.key, or latent vault get VAULT -o PHOTOS -i me.key'
      : `3. latent vault get ${vault} -o PHOTOS -i me.key`,
    '4. Delete words.txt.',
  ]
  return [
    '<svg xmlns="http://www.w3.org/2000/svg" width="210mm" height="297mm" viewBox="0 0 794 1123">',
    '<style>text{font:15px sans-serif}.title{font-size:26px;font-weight:bold}.word{font:bold 17px monospace}',
    '.small{font-size:11px}.mono{font:12px monospace}</style>',
    '<rect width="794" height="1123" fill="#fff"/>',
    line(80, 'Recovery sheet for sealed photos', 'class="title"'),
    line(120, 'Whoever has this sheet can open everything that was sealed for this key.'),
    line(142, 'Whoever loses the key and this sheet loses all of it: nobody can help then.'),
    line(164, 'Keep it where you keep other papers that must not be lost, and show it to nobody.'),
    line(210, 'The key is called, in public:', 'class="small"'),
    line(228, recipient.length > 90 ? `${recipient.slice(0, 87)}...` : recipient, 'class="mono"'),
    line(290, pq ? '24 words, with pq in front of them' : '24 words'),
    ...list.map(cell),
    line(566, 'The same key as a code'),
    picture,
    ...steps.map((text, i) => line(890 + 26 * i, text)),
    '</svg>',
    '',
  ].join('\n')
}
