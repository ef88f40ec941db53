import { readFileSync } from 'node:fs'
import { repositoryFile } from './project.ts'

/** The README's TypeScript, with something to seal before it and a comparison after it. */
export function readmeProgram(): string {
  const [, snippet] = /^```ts\n(.*?)^```$/ms.exec(readFileSync(repositoryFile('README.md'), 'utf8')) ?? []
  if (snippet === undefined) throw new Error('the README holds no TypeScript')
  const imports = [...snippet.matchAll(/^import .*?from '[^']+'$/gms)].map(([text]) => text).join('\n')
  const body = snippet.replace(/^import .*?from '[^']+'$/gms, '')
  return `${imports}
${BEFORE}
${body}
${AFTER}
`
}

const BEFORE = `
const bytes = Uint8Array.from({ length: 100_000 }, (_, i) => (i * i) >> 3)
const written: Uint8Array[] = []
const sink = { write: (part: Uint8Array) => { written.push(part.slice()) } }
let sealedParts = 0
const source = {
  async *[Symbol.asyncIterator]() {
    sealedParts = written.length
    yield* written.slice(0, sealedParts)
  },
}
`

const AFTER = `
const back = written.slice(sealedParts).flatMap(part => [...part])
const same = back.length === bytes.length && back.every((byte, i) => byte === bytes[i])
if (sealedParts === 0 || !same) throw new Error('not the same bytes')
console.log(\`sealed and opened \${back.length} bytes of \${opened.metadata.name}\`)
`
