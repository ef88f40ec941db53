import { type Image, image, LatentError, type SampleFormat } from '@latent/core'
import type { Description, KeyKind, Role, Scheme, Shape, Transform } from './scheme.ts'

const FORMATS: readonly SampleFormat[] = ['u8', 'u16', 'f32']
const ROLES: readonly Role[] = [
  'ours',
  'ablation',
  'published',
  'reconstructed',
  'repaired',
  'variant',
  'learnable',
  'baseline',
  'control',
]
const KEYS: readonly KeyKind[] = ['32 bytes', 'bytes', '32 bytes or file']
const SECRETS: readonly Description['secret'][] = ['key', 'mask', 'weights', 'none']
const TRAITS = ['exact', 'reversible', 'checkable', 'learnable'] as const

const among = (value: unknown, known: readonly unknown[]): boolean => known.includes(value)
const some = (value: unknown, known: readonly unknown[]): boolean =>
  Array.isArray(value) && value.length > 0 && value.every(item => known.includes(item))
const record = (value: unknown): Record<string, unknown> =>
  typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}

/** What keeps something from being a scheme, as half a sentence; undefined for a scheme. */
export function schemeFault(candidate: unknown): string | undefined {
  if (typeof candidate !== 'object' || candidate === null) return 'it is no object'
  const scheme = candidate as Partial<Record<keyof Scheme, unknown>>
  if (typeof scheme.id !== 'string' || scheme.id.length > 60 || !/^[a-z0-9]+(-[a-z0-9]+)*$/.test(scheme.id))
    return 'its id is not made of small letters, digits and single hyphens'
  if (typeof scheme.title !== 'string' || scheme.title.trim() === '') return 'it has no title'
  if (typeof scheme.load !== 'function') return 'it has no function load'
  if (!among(scheme.role, ROLES)) return `its role is none of ${ROLES.join(', ')}`
  const { formats, channels = [1], sides = {}, bytes = 1 } = record(scheme.accepts)
  if (!some(formats, FORMATS)) return `it accepts no list of ${FORMATS.join(', ')}`
  if (!some(channels, [1, 2, 3, 4])) return 'it accepts no list of 1 to 4 channels'
  const counts = [...Object.values(record(sides)), bytes]
  if (counts.some(count => !Number.isSafeInteger(count) || (count as number) < 1))
    return 'sides and bytes that it accepts are not positive whole numbers'
  if (scheme.wire !== 'as plain' && !some(scheme.wire, FORMATS))
    return `its wire is neither "as plain" nor a list of ${FORMATS.join(', ')}`
  if (!among(scheme.key, KEYS)) return `its key is none of ${KEYS.map(kind => JSON.stringify(kind)).join(', ')}`
  const { use, bytes: drawn, others } = record(scheme.nonce)
  if (!among(use, ['none', 'optional', 'fresh'])) return 'its nonce is neither none, optional nor fresh'
  if (
    use !== 'none' &&
    (!Number.isSafeInteger(drawn) ||
      (drawn as number) < 1 ||
      (drawn as number) > 64 ||
      !among(others, ['hashed', 'as they are']))
  )
    return 'its nonce lacks 1 to 64 bytes, or what becomes of others ("hashed", "as they are")'
  if (!among(scheme.secret, SECRETS)) return `its secret is none of ${SECRETS.join(', ')}`
  const trait = TRAITS.find(name => typeof scheme[name] !== 'boolean')
  return trait && `${trait} is neither true nor false`
}

/** @throws E_SCRIPT for what is no scheme */
export function requireScheme(candidate: unknown): Scheme {
  const fault = schemeFault(candidate)
  if (fault !== undefined)
    throw new LatentError('E_SCRIPT', `this is no scheme: ${fault}`, {
      hint: 'make it with defineScheme({ id, title, load })',
    })
  return candidate as Scheme
}

/** @throws E_SCRIPT for what is no transform, or lacks the decryption that its scheme speaks of */
export function requireTransform({ id, reversible }: Description, candidate: unknown): Transform {
  const { encrypt, decrypt } = record(candidate)
  if (typeof encrypt !== 'function')
    throw new LatentError('E_SCRIPT', `load of ${id} gave no transform`, {
      hint: 'it resolves to { encrypt, decrypt }, or to bytewise({ encrypt, decrypt })',
    })
  if (reversible && typeof decrypt !== 'function')
    throw new LatentError('E_SCRIPT', `${id} has no decrypt`, {
      hint: 'say reversible: false of a scheme that nothing decrypts',
    })
  return candidate as Transform
}

/** What a transform gives back, where it is an image of the shape that it must have. @throws E_SCRIPT */
export function requireResult(
  { id }: Description,
  what: 'encrypt' | 'decrypt',
  made: unknown,
  shape: Partial<Shape>,
): Image {
  try {
    const found = image(record(made) as unknown as Image)
    const [name, wanted] = Object.entries(shape).find(([side, value]) => found[side as keyof Shape] !== value) ?? []
    if (name === undefined) return found
    throw new Error(`its ${name} is ${found[name as keyof Shape]}, and should be ${wanted}`)
  } catch (cause) {
    throw new LatentError(
      'E_SCRIPT',
      `${what} of ${id} gave back no image that it says it makes: ${(cause as Error).message}`,
      { hint: 'keep to the description of the scheme, or change it', cause },
    )
  }
}
