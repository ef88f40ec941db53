import { type Image, image } from '@latent/core'

/**
 * A picture to try things on, drawn by arithmetic: a lake at dusk with hills, a sun, its reflection,
 * reeds and a little film grain. Smooth sky, hard edges and texture are what ciphers differ on.
 */
export function drawScene(width = 960, height = 640): Image<'u8'> {
  const data = new Uint8Array(width * height * 3)
  const horizon = height * 0.58
  const sun = { x: width * 0.55, y: horizon - height * 0.235, r: height * 0.06 }
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const water = y > horizon
      // The lake mirrors the sky, stretched and broken by waves.
      const depth = (y - horizon) / (height - horizon)
      const wave = water
        ? Math.sin(x * 0.05 + (y * 0.9) / (0.15 + depth)) * 9 * depth + noise(x * 0.03, y * 0.4) * 6
        : 0
      const sy = water ? Math.min(horizon, horizon - (y - horizon) * 1.15 + wave) : y
      let colour = sky(x + wave, sy, width, horizon, sun)
      for (const hill of HILLS) {
        const ridge = horizon - height * hill.height * (0.35 + 0.65 * ridgeAt(x / width, hill.seed))
        if (sy > ridge && sy <= horizon) colour = shade(hill.colour, (sy - ridge) / (horizon - ridge))
      }
      if (water) colour = mix(colour, [18, 30, 58], 0.25 + 0.35 * depth)
      if (reed(x, y, width, height)) colour = [14, 18, 16]
      const grain = (hash(x, y) - 0.5) * 10
      for (let c = 0; c < 3; c++)
        data[(y * width + x) * 3 + c] = Math.max(0, Math.min(255, Math.round(colour[c]! + grain)))
    }
  }
  return image({ width, height, channels: 3, format: 'u8', data })
}

type Colour = readonly [number, number, number]
const HILLS: readonly { height: number; seed: number; colour: Colour }[] = [
  { height: 0.34, seed: 1, colour: [104, 88, 128] },
  { height: 0.24, seed: 2, colour: [70, 62, 100] },
  { height: 0.13, seed: 3, colour: [38, 40, 64] },
]

function sky(x: number, y: number, width: number, horizon: number, sun: { x: number; y: number; r: number }): Colour {
  const height = Math.max(0, Math.min(1, y / horizon))
  const base = mix([40, 58, 112], [250, 176, 110], height ** 1.6)
  const cloud =
    Math.max(0, noise((x / width) * 7, height * 16) + noise((x / width) * 19, height * 40) * 0.5 - 0.75) * 1.6
  const distance = Math.hypot(x - sun.x, y - sun.y) / sun.r
  const glow = Math.exp(-Math.max(0, distance - 1) * 0.55)
  const lit = mix(mix(base, [255, 214, 180], Math.min(0.7, cloud)), [255, 232, 180], Math.min(1, glow * 0.8))
  return distance < 1 ? [255, 246, 214] : lit
}

const mix = (a: Colour, b: Colour, t: number): Colour => [
  a[0] + (b[0] - a[0]) * t,
  a[1] + (b[1] - a[1]) * t,
  a[2] + (b[2] - a[2]) * t,
]
const shade = (colour: Colour, depth: number): Colour => mix(colour, [20, 22, 38], depth * 0.55)
const ridgeAt = (u: number, seed: number) =>
  noise(u * 5 + seed * 17, seed) * 0.6 + noise(u * 17 + seed * 31, seed) * 0.28 + noise(u * 60, seed) * 0.12

function reed(x: number, y: number, width: number, height: number): boolean {
  for (let i = 0; i < 26; i++) {
    const root = width * (0.02 + 0.3 * hash(i, 7))
    const top = height * (0.62 + 0.22 * hash(i, 8))
    if (y < top) continue
    const lean = (hash(i, 9) - 0.5) * 0.25
    if (Math.abs(x - root - (height - y) * lean) < 1.2 + 2.2 * ((y - top) / (height - top))) return true
  }
  return false
}

/** A value in [0, 1) for a lattice point. */
function hash(x: number, y: number): number {
  let h = Math.imul(Math.trunc(x), 374761393) + Math.imul(Math.trunc(y), 668265263)
  h = Math.imul(h ^ (h >>> 13), 1274126177)
  return ((h ^ (h >>> 16)) >>> 0) / 2 ** 32
}

/** Value noise: lattice values, smoothly joined. */
function noise(x: number, y: number): number {
  const [ix, iy] = [Math.floor(x), Math.floor(y)]
  const [fx, fy] = [smooth(x - ix), smooth(y - iy)]
  const top = hash(ix, iy) + (hash(ix + 1, iy) - hash(ix, iy)) * fx
  const bottom = hash(ix, iy + 1) + (hash(ix + 1, iy + 1) - hash(ix, iy + 1)) * fx
  return top + (bottom - top) * fy
}

const smooth = (t: number) => t * t * (3 - 2 * t)
