import { globSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type DefaultTheme, defineConfig } from 'vitepress'

const docs = join(dirname(fileURLToPath(import.meta.url)), '..', 'pages')

/**
 * Pages are written to be read in the repository too: what lies outside `docs` has no page here, and is named without a
 * link.
 */
function leavesDocs(page: string, link: string): boolean {
  if (/^[a-z]+:|^#|^\//.test(link)) return false
  return !resolve(docs, dirname(page), link).startsWith(docs)
}

/** Every scheme with a page of truth. */
const schemes = readdirSync(join(docs, 'schemes'), { withFileTypes: true })
  .filter(entry => entry.isDirectory())
  .map(({ name }) => name)

/** Reports of the lab are pages of their own, copied as they are; a link has no extension when it is judged. */
const reports = globSync('**/*.html', { cwd: docs }).map(path => `/${path.replace(/\.html$/, '')}`)
const isReport = (link: string): boolean => {
  const path = `/${link.replace(/^(?:\.{0,2}\/)+/, '')}`
  return reports.some(report => report.endsWith(path))
}

/** The modules of the API, which are written before the site is built, a package a group. */
function apiSidebar(): DefaultTheme.SidebarItem[] {
  const modules = JSON.parse(readFileSync(join(docs, 'api', 'typedoc-sidebar.json'), 'utf8')) as {
    readonly text: string
    readonly link: string
    readonly items?: readonly { readonly items: DefaultTheme.SidebarItem[] }[]
  }[]
  const packages = [...new Set(modules.map(({ text }) => text.split('/').slice(0, 2).join('/')))]
  return packages.map(name => ({
    text: name,
    link: modules.find(({ text }) => text === name)?.link ?? '/api/',
    collapsed: true,
    items: modules
      .filter(({ text }) => text === name || text.startsWith(`${name}/`))
      .flatMap(({ text, link, items = [] }) => [
        ...(text === name ? [] : [{ text: text.slice(name.length + 1), link }]),
        ...items.flatMap(group => group.items),
      ]),
  }))
}

export default defineConfig({
  title: 'Latent',
  description: 'Learned image encryption for TypeScript, measured honestly',
  srcDir: 'pages',
  outDir: 'dist',
  cacheDir: 'node_modules/.cache',
  // Fainter than 4.5 to 1 otherwise: the name of a block's language.
  head: [['style', {}, 'html:root { --vp-code-lang-color: var(--vp-c-text-2) }']],
  rewrites: page => page.replace(/README\.md$/, 'index.md'),
  ignoreDeadLinks: [isReport],
  themeConfig: {
    search: { provider: 'local' },
    outline: [2, 3],
    nav: [
      { text: 'Guide', link: '/guide' },
      { text: 'Security', link: '/security' },
      { text: 'Schemes', link: '/schemes/' },
      { text: 'Lab', link: '/lab/' },
      { text: 'API', link: '/api/' },
    ],
    sidebar: {
      '/api/': apiSidebar(),
      '/': [
        {
          text: 'Using it',
          items: [
            { text: 'Guide', link: '/guide' },
            { text: 'Keys', link: '/keys' },
            { text: 'What is protected', link: '/security' },
            { text: 'Errors', link: '/errors' },
            { text: 'The sealed format', link: '/sealed-format' },
            { text: 'Vaults', link: '/vault' },
            { text: 'The vault format', link: '/vault-format' },
            { text: 'Robust carriers', link: '/robust-carrier' },
            { text: 'Latent Studio', link: '/studio' },
          ],
        },
        {
          text: 'Schemes',
          items: [
            { text: 'All of them', link: '/schemes/' },
            { text: 'FlowCrypt and exact flow', link: '/schemes/flowcrypt-and-exact-flow' },
            ...schemes.map(id => ({ text: id, link: `/schemes/${id}/` })),
          ],
        },
        {
          text: 'The lab',
          items: [
            { text: 'What breaks what', link: '/lab/matrix/matrix.html', target: '_self' },
            { text: 'How it measures', link: '/lab/' },
            { text: 'Methods', link: '/lab/methods' },
            { text: 'Attacks', link: '/lab/attacks' },
            { text: 'Learnability', link: '/lab/learnability' },
          ],
        },
        {
          text: 'Building on it',
          items: [
            { text: 'The engine', link: '/engine' },
            { text: 'How fast it is', link: '/speed' },
            { text: 'Trainings', link: '/training' },
            { text: 'API', link: '/api/' },
            { text: 'Decisions', link: '/decisions/' },
            { text: 'Tests', link: '/testing' },
            { text: 'Dependencies', link: '/dependencies' },
          ],
        },
      ],
    },
  },
  markdown: {
    // Comments and operators of the usual themes are fainter than 4.5 to 1.
    theme: { light: 'github-light-high-contrast', dark: 'github-dark-high-contrast' },
    config(md) {
      md.core.ruler.push('links-within-docs', state => {
        const page = (state.env as { relativePath?: string }).relativePath ?? ''
        for (const token of state.tokens) {
          for (const child of token.children ?? []) {
            const href = child.type === 'link_open' ? child.attrGet('href') : null
            if (href !== null && leavesDocs(page.replace(/index\.md$/, 'README.md'), href)) child.attrSet('href', '#')
          }
        }
      })
    },
  },
})
