import { aesBody } from './aes-256-gcm.ts'
import { exactFlowBody } from './exact-flow.ts'
import type { BodyFormat } from './format.ts'

export type { BodyCipher, BodyFormat, BodyNeeds, FlowProvider } from './format.ts'

/** Every body type, the usual one first: one line each. */
const BODIES = [exactFlowBody, aesBody] as const

/** A body type by name; new abilities come as new names. */
export type BodyType = (typeof BODIES)[number]['type']

/** The names of all body types. */
export const BODY_TYPES: readonly BodyType[] = BODIES.map(({ type }) => type)

/** @returns `undefined` for a name that this release does not know */
export const findBody = (type: string): (BodyFormat & { readonly type: BodyType }) | undefined =>
  BODIES.find(body => body.type === type)

/** The format behind a name that is known. */
export const bodyOf = (type: BodyType): BodyFormat => findBody(type)!
