import { createHash } from 'node:crypto'

const policyOf = (rules: Readonly<Record<string, string>>): string =>
  Object.entries(rules)
    .map(([name, value]) => `${name} ${value}`)
    .join('; ')

/** What the site may load: its own files, and pictures that it made. WebAssembly needs a permission of its own. */
export const SITE_POLICY = policyOf({
  'default-src': "'none'",
  'script-src': "'self' 'wasm-unsafe-eval'",
  'style-src': "'self'",
  'img-src': "'self' blob: data:",
  'media-src': 'blob:',
  'connect-src': "'self'",
  'worker-src': "'self'",
  'manifest-src': "'self'",
  'base-uri': "'none'",
  'form-action': "'none'",
})

const hashOf = (text: string): string => `'sha256-${createHash('sha256').update(text).digest('base64')}'`

/** What the single file may do: run the one script and style that it holds, and ask nobody for anything. */
export const singlePolicy = (script: string, style: string): string =>
  policyOf({
    'default-src': "'none'",
    'script-src': `${hashOf(script)} 'wasm-unsafe-eval' blob:`,
    'style-src': hashOf(style),
    'img-src': 'blob: data:',
    'media-src': 'blob:',
    'connect-src': "'none'",
    'worker-src': 'blob:',
    'base-uri': "'none'",
    'form-action': "'none'",
  })
