// The pixels of two blocks at a time, on WebAssembly SIMD: built by `npm run kernel`. Each half of a vector goes
// through the very operations of `plainFitter` in `../src/channel/fit.ts`, in their order, so that what is written is
// the same to the bit, which the tests hold it to. Addresses are of this module's memory; a number of both blocks is
// 16 bytes.

const VECTOR: usize = 16
const ROW: usize = 8 * VECTOR
const BLOCK: usize = 64 * VECTOR

/**
 * @param target coefficients, replaced by the pixels minus 128, whole numbers from -128 to 127
 * @param carrying all ones where a coefficient carries something, else zeros
 * @param cosines the factors 1 to 7 of the transform, behind a place for the factor 0
 * @param room for two blocks more
 */
export function fit(target: usize, carrying: usize, cosines: usize, room: usize, rounds: i32, relaxation: f64): void {
  const block = room
  const hurt = room + BLOCK
  const low = f64x2.splat(-128)
  const high = f64x2.splat(127)
  const factor = f64x2.splat(relaxation)
  memory.copy(block, target, BLOCK)
  inverse(block, cosines)
  let active = i64x2.splat(-1)
  for (let round = 0; round < rounds; round++) {
    let clipped = i64x2.splat(0)
    for (let at: usize = 0; at < BLOCK; at += VECTOR) {
      const value = v128.load(block + at)
      const within = f64x2.max(low, f64x2.min(high, value))
      clipped = v128.or(clipped, f64x2.ne(value, within))
      v128.store(block + at, within)
    }
    active = v128.and(active, clipped)
    if (!v128.any_true(active)) break
    memory.copy(hurt, block, BLOCK)
    forward(hurt, cosines)
    for (let at: usize = 0; at < BLOCK; at += VECTOR) {
      const missing = f64x2.mul(factor, f64x2.sub(v128.load(target + at), v128.load(hurt + at)))
      v128.store(hurt + at, v128.and(missing, v128.load(carrying + at)))
    }
    inverse(hurt, cosines)
    for (let at: usize = 0; at < BLOCK; at += VECTOR) {
      const value = v128.load(block + at)
      v128.store(block + at, v128.bitselect(f64x2.add(value, v128.load(hurt + at)), value, active))
    }
  }
  const half = f64x2.splat(0.5)
  const one = f64x2.splat(1)
  for (let at: usize = 0; at < BLOCK; at += VECTOR) {
    const value = v128.load(block + at)
    const below = f64x2.floor(value)
    const rounded = f64x2.add(below, v128.and(one, f64x2.ge(f64x2.sub(value, below), half)))
    v128.store(target + at, f64x2.max(low, f64x2.min(high, rounded)))
  }
}

function forward(block: usize, cosines: usize): void {
  for (let at = block; at < block + BLOCK; at += ROW) forward8(at, VECTOR, cosines)
  for (let at = block; at < block + ROW; at += VECTOR) forward8(at, ROW, cosines)
}

function inverse(block: usize, cosines: usize): void {
  for (let at = block; at < block + ROW; at += VECTOR) inverse8(at, ROW, cosines)
  for (let at = block; at < block + BLOCK; at += ROW) inverse8(at, VECTOR, cosines)
}

function forward8(at: usize, step: usize, c: usize): void {
  const c1 = v128.load(c, 16)
  const c2 = v128.load(c, 32)
  const c3 = v128.load(c, 48)
  const c4 = v128.load(c, 64)
  const c5 = v128.load(c, 80)
  const c6 = v128.load(c, 96)
  const c7 = v128.load(c, 112)
  const x0 = v128.load(at)
  const x1 = v128.load(at + step)
  const x2 = v128.load(at + 2 * step)
  const x3 = v128.load(at + 3 * step)
  const x4 = v128.load(at + 4 * step)
  const x5 = v128.load(at + 5 * step)
  const x6 = v128.load(at + 6 * step)
  const x7 = v128.load(at + 7 * step)
  const s0 = f64x2.add(x0, x7)
  const d0 = f64x2.sub(x0, x7)
  const s1 = f64x2.add(x1, x6)
  const d1 = f64x2.sub(x1, x6)
  const s2 = f64x2.add(x2, x5)
  const d2 = f64x2.sub(x2, x5)
  const s3 = f64x2.add(x3, x4)
  const d3 = f64x2.sub(x3, x4)
  const e0 = f64x2.add(s0, s3)
  const e1 = f64x2.add(s1, s2)
  const e2 = f64x2.sub(s1, s2)
  const e3 = f64x2.sub(s0, s3)
  v128.store(at, f64x2.mul(c4, f64x2.add(e0, e1)))
  v128.store(at + 4 * step, f64x2.mul(c4, f64x2.sub(e0, e1)))
  v128.store(at + 2 * step, f64x2.add(f64x2.mul(c2, e3), f64x2.mul(c6, e2)))
  v128.store(at + 6 * step, f64x2.sub(f64x2.mul(c6, e3), f64x2.mul(c2, e2)))
  const f1 = f64x2.add(f64x2.mul(c1, d0), f64x2.mul(c3, d1))
  v128.store(at + step, f64x2.add(f64x2.add(f1, f64x2.mul(c5, d2)), f64x2.mul(c7, d3)))
  const f3 = f64x2.sub(f64x2.mul(c3, d0), f64x2.mul(c7, d1))
  v128.store(at + 3 * step, f64x2.sub(f64x2.sub(f3, f64x2.mul(c1, d2)), f64x2.mul(c5, d3)))
  const f5 = f64x2.sub(f64x2.mul(c5, d0), f64x2.mul(c1, d1))
  v128.store(at + 5 * step, f64x2.add(f64x2.add(f5, f64x2.mul(c7, d2)), f64x2.mul(c3, d3)))
  const f7 = f64x2.sub(f64x2.mul(c7, d0), f64x2.mul(c5, d1))
  v128.store(at + 7 * step, f64x2.sub(f64x2.add(f7, f64x2.mul(c3, d2)), f64x2.mul(c1, d3)))
}

function inverse8(at: usize, step: usize, c: usize): void {
  const c1 = v128.load(c, 16)
  const c2 = v128.load(c, 32)
  const c3 = v128.load(c, 48)
  const c4 = v128.load(c, 64)
  const c5 = v128.load(c, 80)
  const c6 = v128.load(c, 96)
  const c7 = v128.load(c, 112)
  const x0 = v128.load(at)
  const x1 = v128.load(at + step)
  const x2 = v128.load(at + 2 * step)
  const x3 = v128.load(at + 3 * step)
  const x4 = v128.load(at + 4 * step)
  const x5 = v128.load(at + 5 * step)
  const x6 = v128.load(at + 6 * step)
  const x7 = v128.load(at + 7 * step)
  const e0 = f64x2.mul(c4, f64x2.add(x0, x4))
  const e1 = f64x2.mul(c4, f64x2.sub(x0, x4))
  const e3 = f64x2.add(f64x2.mul(c2, x2), f64x2.mul(c6, x6))
  const e2 = f64x2.sub(f64x2.mul(c6, x2), f64x2.mul(c2, x6))
  const s0 = f64x2.add(e0, e3)
  const s3 = f64x2.sub(e0, e3)
  const s1 = f64x2.add(e1, e2)
  const s2 = f64x2.sub(e1, e2)
  const f0 = f64x2.add(f64x2.mul(c1, x1), f64x2.mul(c3, x3))
  const d0 = f64x2.add(f64x2.add(f0, f64x2.mul(c5, x5)), f64x2.mul(c7, x7))
  const f1 = f64x2.sub(f64x2.mul(c3, x1), f64x2.mul(c7, x3))
  const d1 = f64x2.sub(f64x2.sub(f1, f64x2.mul(c1, x5)), f64x2.mul(c5, x7))
  const f2 = f64x2.sub(f64x2.mul(c5, x1), f64x2.mul(c1, x3))
  const d2 = f64x2.add(f64x2.add(f2, f64x2.mul(c7, x5)), f64x2.mul(c3, x7))
  const f3 = f64x2.sub(f64x2.mul(c7, x1), f64x2.mul(c5, x3))
  const d3 = f64x2.sub(f64x2.add(f3, f64x2.mul(c3, x5)), f64x2.mul(c1, x7))
  v128.store(at, f64x2.add(s0, d0))
  v128.store(at + 7 * step, f64x2.sub(s0, d0))
  v128.store(at + step, f64x2.add(s1, d1))
  v128.store(at + 6 * step, f64x2.sub(s1, d1))
  v128.store(at + 2 * step, f64x2.add(s2, d2))
  v128.store(at + 5 * step, f64x2.sub(s2, d2))
  v128.store(at + 3 * step, f64x2.add(s3, d3))
  v128.store(at + 4 * step, f64x2.sub(s3, d3))
}
