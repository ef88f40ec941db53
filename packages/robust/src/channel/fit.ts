import { openKernel } from '../kernel-memory.ts'
import { COSINES, forwardDct, inverseDct } from './dct.ts'
import { KERNEL } from './kernel-module.ts'

/** How often clipped pixels are put back. The format asks only that the coefficients are near what they stand for. */
const ROUNDS = 8
/** More than the clipping took is given back: fewer rounds do. */
const RELAXATION = 1.6

/** Turns the coefficients of two blocks into pixels. */
export interface Fitter {
  /**
   * The 64 coefficients of two blocks, those of one place together; {@link fit} replaces them by pixels minus 128,
   * whole numbers from -128 to 127.
   */
  readonly values: Float64Array
  fit(): void
}

/** @param carrying 1 where a coefficient of a block carries something */
export function openFitter(carrying: Uint8Array): Fitter {
  try {
    return kernelFitter(carrying)
  } catch {
    return plainFitter(carrying)
  }
}

function kernelFitter(carrying: Uint8Array): Fitter {
  const { kernel, buffer, at } = openKernel<
    { fit(target: number, carrying: number, cosines: number, room: number, rounds: number, relaxation: number): void },
    'target' | 'carrying' | 'cosines' | 'room'
  >(KERNEL, { target: 1024, carrying: 1024, cosines: 128, room: 2048 })
  const masks = new BigInt64Array(buffer, at.carrying, 128)
  const cosines = new Float64Array(buffer, at.cosines, 16)
  for (let i = 0; i < 128; i++) masks[i] = carrying[i >> 1] === 1 ? -1n : 0n
  for (let i = 0; i < 16; i++) cosines[i] = COSINES[i >> 1]!
  return {
    values: new Float64Array(buffer, at.target, 128),
    fit: () => kernel.fit(at.target, at.carrying, at.cosines, at.room, ROUNDS, RELAXATION),
  }
}

/** The definition of what the kernel does. */
export function plainFitter(carrying: Uint8Array): Fitter {
  const values = new Float64Array(128)
  const target = new Float64Array(64)
  const block = new Float64Array(64)
  return {
    values,
    fit() {
      for (let which = 0; which < 2; which++) {
        for (let i = 0; i < 64; i++) target[i] = values[2 * i + which]!
        block.set(target)
        inverseDct(block)
        fitIntoRange(block, target, carrying)
        for (let i = 0; i < 64; i++) values[2 * i + which] = Math.max(-128, Math.min(127, Math.round(block[i]!)))
      }
    },
  }
}

/**
 * Pixels below 0 or above 255 are clipped, which hurts every coefficient; so the hurt is moved into those that carry
 * nothing: in turn, pixels are clipped, and what that did to the carrying coefficients is undone.
 */
function fitIntoRange(block: Float64Array, target: Float64Array, carrying: Uint8Array): void {
  for (let round = 0; round < ROUNDS; round++) {
    let clipped = false
    for (let i = 0; i < 64; i++) {
      const value = block[i]!
      if (value >= -128 && value <= 127) continue
      block[i] = value < 0 ? -128 : 127
      clipped = true
    }
    if (!clipped) return
    hurt.set(block)
    forwardDct(hurt)
    for (let i = 0; i < 64; i++) hurt[i] = carrying[i] === 1 ? RELAXATION * (target[i]! - hurt[i]!) : 0
    inverseDct(hurt)
    for (let i = 0; i < 64; i++) block[i]! += hurt[i]!
  }
}

const hurt = new Float64Array(64)
