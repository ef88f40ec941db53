/** Caches of this page begin so. */
const OURS = 'latent-studio-'

/** Keeps the files that are needed without a network: all of them or none. */
export async function install(cache: string, paths: readonly string[]): Promise<void> {
  const kept = await caches.open(OURS + cache)
  await kept.addAll(paths.map(path => new Request(path, { cache: 'no-cache' })))
}

/** Lets go of what earlier releases kept. */
export async function remove(but: string): Promise<void> {
  for (const name of await caches.keys()) if (name.startsWith(OURS) && name !== OURS + but) await caches.delete(name)
}

/**
 * A file as it was kept, else from the network; large files that were asked for once are kept then. With the headers
 * that isolate the page, for hosts that send none.
 */
export async function answer(request: Request, cache: string, policy: string): Promise<Response> {
  const kept = await caches.open(OURS + cache)
  const found = await kept.match(request, { ignoreSearch: true })
  if (found) return isolated(found, policy)
  const response = await fetch(request)
  if (response.ok && request.mode !== 'navigate') await kept.put(request, response.clone())
  return isolated(response, policy)
}

/** The same answer with the headers of isolation and of the policy. */
export function isolated(response: Response, policy: string): Response {
  if (response.status === 0) return response
  const headers = new Headers(response.headers)
  headers.set('Cross-Origin-Opener-Policy', 'same-origin')
  headers.set('Cross-Origin-Embedder-Policy', 'require-corp')
  headers.set('Cross-Origin-Resource-Policy', 'same-origin')
  headers.set('Content-Security-Policy', policy)
  return new Response(response.body, { status: response.status, statusText: response.statusText, headers })
}
