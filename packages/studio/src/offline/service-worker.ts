import { answer, install, remove } from './cache.ts'

/** What the build puts in: every file that works offline need, and a name that changes with them. */
declare const FILES: { readonly cache: string; readonly paths: readonly string[]; readonly policy: string }

type Extended = Event & { waitUntil(work: Promise<unknown>): void }
type Fetching = Extended & { readonly request: Request; respondWith(answer: Promise<Response>): void }
const scope = globalThis as unknown as {
  readonly registration: { readonly scope: string }
  readonly clients: { claim(): Promise<void> }
  skipWaiting(): Promise<void>
}

addEventListener('install', event => {
  ;(event as Extended).waitUntil(install(FILES.cache, FILES.paths).then(() => scope.skipWaiting()))
})
addEventListener('activate', event => {
  ;(event as Extended).waitUntil(remove(FILES.cache).then(() => scope.clients.claim()))
})
addEventListener('fetch', event => {
  const { request } = event as Fetching
  if (request.method !== 'GET' || !request.url.startsWith(scope.registration.scope)) return
  ;(event as Fetching).respondWith(answer(request, FILES.cache, FILES.policy))
})
