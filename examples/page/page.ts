import { createAlbum, Keyring, openSealed, prepareSeal, streamOf } from '@latent/vault'
import { openExactFlow, openFlows, sealingWeights } from '@latent/schemes/exact-flow'

// Sealing and opening in a page. Networks run in WebAssembly, on the thread of the page: a larger file wants a worker.
const [form, said] = [document.querySelector('form')!, document.querySelector('output')!]
const [chosen, typed] = ['file', 'passphrase'].map(id => document.getElementById(id) as HTMLInputElement) as [
  HTMLInputElement,
  HTMLInputElement,
]
const { flows } = openFlows(weights => openExactFlow({ weights }))

form.addEventListener('submit', event => {
  event.preventDefault()
  const { value } = event.submitter as HTMLButtonElement
  said.textContent = 'working ...'
  void (value === 'seal' ? seal : open)(chosen.files![0]!, typed.value).then(offer, complain)
})

async function seal(file: File, passphrase: string): Promise<File> {
  const { id: weights } = await sealingWeights()
  const sealing = await prepareSeal({
    album: await createAlbum({ passphrase }),
    metadata: {
      name: file.name,
      type: file.type || 'application/octet-stream',
      size: file.size,
      modified: file.lastModified,
    },
    flows,
    body: { type: 'exact-flow+aes-256-gcm', weights },
  })
  return collected(sealing.png(streamOf(await bytesOf(file))), `${file.name}.png`, 'image/png')
}

async function open(file: File, passphrase: string): Promise<File> {
  const opened = await openSealed(streamOf(await bytesOf(file)), new Keyring({ passphrases: [passphrase] }), flows)
  const { name, type } = opened.metadata
  return collected(opened.bytes, name, type)
}

const bytesOf = async (file: File) => new Uint8Array(await file.arrayBuffer())

/** Nothing is offered before the last byte is there and is right: a damaged file throws here. */
async function collected(parts: AsyncIterable<Uint8Array>, name: string, type: string): Promise<File> {
  const all: BlobPart[] = []
  for await (const part of parts) all.push(new Uint8Array(part))
  return new File(all, name, { type })
}

function offer(file: File): void {
  const link = document.createElement('a')
  link.href = URL.createObjectURL(file)
  link.download = file.name
  link.textContent = `${file.name} (${file.size} bytes)`
  said.replaceChildren(link)
}

/** Errors of Latent are one sentence and a hint, and never hold a key. */
function complain(error: Error & { readonly code?: string; readonly hint?: string }): void {
  said.textContent = [error.message, error.code && `[${error.code}]`, error.hint].filter(Boolean).join(' ')
}
