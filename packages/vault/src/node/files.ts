import { Destination, publish, publishNow } from '@latent/core/node'

export { ioError, readFileParts, removeStale } from '@latent/core/node'
export { Destination as Folders } from '@latent/core/node'

interface WriteOptions {
  readonly modified?: number
  readonly beforePublish?: (temporary: string) => Promise<void>
  readonly overwrite?: boolean
  readonly durable?: boolean
  readonly folders?: Destination
}

/** For callers that are not moved to `publish` of `@latent/core/node` yet. @returns bytes written */
export async function writeWhole(target: string, parts: AsyncIterable<Uint8Array>, { overwrite = false, folders, ...options }: WriteOptions = {}): Promise<number> {
  const { bytes } = await publish(target, parts, { ...options, ...(folders ? { destination: folders } : {}), replace: overwrite ? () => true : undefined })
  return bytes
}

const destinations = new WeakMap<Set<string>, Destination>()

/** As {@link writeWhole}, for `publishNow`. */
export function writeWholeNow(target: string, bytes: Uint8Array, known: Set<string>): void {
  const destination = destinations.get(known) ?? new Destination()
  destinations.set(known, destination)
  publishNow(target, bytes, { destination, replace: () => true })
}
