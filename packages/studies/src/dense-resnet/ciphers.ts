import { DESCRIBED, type Diffusion, REPAIRED } from '@latent/schemes/dense-resnet'
import { publishedFor } from '@latent/lab'

/** The diffusion as the paper describes it. */
export const CHAIN: Diffusion = DESCRIBED.diffusion
/** The diffusion of the repaired variant. */
export const SBOX: Diffusion = REPAIRED.diffusion
/** No nonce: the published variant takes none. */
export const NONE = new Uint8Array(0)

/** A figure with so many digits; a dash where there is none. */
export const fixed = (value: number, digits: number): string => (Number.isFinite(value) ? value.toFixed(digits) : '-')
/** A share, 0 to 1, in percent. */
export const percent = (share: number, digits = 1): string => `${fixed(100 * share, digits)} %`
/** As tables call a diffusion, such as `xor-chain x2`. */
export const nameOf = ({ rule, passes }: Diffusion): string => `${rule} x${passes}`

/** What the paper prints. */
export const PAPER = publishedFor('dense-resnet-2024')!
