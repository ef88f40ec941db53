import { expect, test } from 'vitest'
import { lossCurve } from '../src/train/curve.ts'

const names = (svg: string) => Array.from(svg.matchAll(/<text[^>]*>([^<]*)<\/text>/g), match => match[1])
const lines = (svg: string) =>
  Array.from(svg.matchAll(/<polyline[^>]*points="([^"]*)"/g), match =>
    match[1]!.split(' ').map(point => point.split(',').map(Number)),
  )

test('losses fall where they fall; gradients, rates and times are no losses', () => {
  const svg = lossCurve(
    [1, 2, 3].map(i => ({
      step: 20 * i,
      mse: 1 / i,
      'mse.gradient': 5,
      rate: 0.1,
      seconds: i,
      imagesPerSecond: 3,
      score: 20,
    })),
    'a <run> & more',
  )
  expect(names(svg)).toContain('a &lt;run> &amp; more')
  expect(lines(svg)).toHaveLength(1)
  const [points] = lines(svg)
  expect(points!.map(([, y]) => y!)).toEqual(points!.map(([, y]) => y!).sort((a, b) => a - b))
  expect(points!.map(([x]) => x!)).toEqual(points!.map(([x]) => x!).sort((a, b) => a - b))
  expect(svg).toContain('viewBox="0 0 720 360"')
})

test('figures of validation pictures have a panel of their own, with the points that there are', () => {
  const log = Array.from({ length: 6 }, (_, i) => ({
    step: i + 1,
    loss: 2 - i / 10,
    ...(i % 3 === 2 ? { 'check.psnr': 20 + i, 'check.edges': 0.05 } : {}),
  }))
  const svg = lossCurve(log, 'run')
  expect(svg).toContain('viewBox="0 0 720 720"')
  expect(names(svg)).toEqual(expect.arrayContaining(['loss', 'psnr', 'edges', 'on validation pictures']))
  expect(lines(svg).map(points => points.length)).toEqual([6, 2, 2])
})

test('losses that may be negative have a linear scale, and an empty log a picture all the same', () => {
  const svg = lossCurve(
    [
      { step: 1, loss: -1 },
      { step: 2, loss: 1 },
    ],
    'run',
  )
  expect(names(svg)).toContain('0.00')
  expect(lossCurve([], 'nothing')).toMatch(/^<svg[\s\S]*<\/svg>\n$/)
})
