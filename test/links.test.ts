import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')
const tracked = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard', '*.md'], {
  cwd: root,
  encoding: 'utf8',
})
  .split('\n')
  .filter(Boolean)

/** As renderers make them: words in small letters, joined by hyphens. */
const anchorsOf = (text: string): Set<string> =>
  new Set(
    Array.from(text.matchAll(/^#{1,6} +(.+)$/gm), ([, heading]) =>
      heading!
        .toLowerCase()
        .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
        .replaceAll(' ', '-'),
    ),
  )

function deadLinks(page: string, source = readFileSync(join(root, page), 'utf8')): string[] {
  const text = source.replaceAll(/^```.*?^```/gms, '').replaceAll(/`[^`\n]*`/g, '')
  return Array.from(text.matchAll(/\]\(([^()\s]+)\)/g), ([, link]) => link!).filter(link => {
    if (/^[a-z]+:/.test(link)) return false
    const [path, anchor] = link.split('#')
    const target = path === '' ? join(root, page) : join(root, dirname(page), decodeURIComponent(path!))
    if (!existsSync(target)) return true
    return anchor !== undefined && target.endsWith('.md') && !anchorsOf(readFileSync(target, 'utf8')).has(anchor)
  })
}

test('every link between the pages of the repository leads somewhere', () => {
  expect(tracked.length).toBeGreaterThan(20)
  expect(tracked.flatMap(page => deadLinks(page).map(link => `${page}: ${link}`))).toEqual([])
})

test('a link to nothing is noticed: a page, a heading, not an example in code', () => {
  const text = [
    '[a](guide.md) [b](nowhere.md) [c](sealed-format.md#9-what-this-gives-and-what-not) [d](guide.md#no-such-heading)',
    '```',
    '[e](none.md)',
    '```',
  ].join('\n')
  expect(deadLinks('docs/README.md', text)).toEqual(['nowhere.md', 'guide.md#no-such-heading'])
})
