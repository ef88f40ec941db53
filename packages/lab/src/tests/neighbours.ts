import { bytesPerPixel, byteView, correlationTest, type Direction, gvdTest } from '../metrics/index.ts'
import { NOISE_ALONE } from './controls.ts'
import { defineTest, type Topic } from './define.ts'

/** Neighbouring samples of one cipher image: do they know of each other? */
export const NEIGHBOURS: Topic = {
  topic: 'Unrelated neighbours',
  say: 'No relation of neighbouring cipher samples was found over {images}.',
  never: 'low correlation makes a cipher secure (a pixel permutation has it)',
}

const correlation = (direction: Direction, failure: string, column?: { heading: string; digits: number }) =>
  defineTest({
    id: `correlation-${direction}`,
    title: `Correlation, ${direction}`,
    group: 'cipher',
    failure,
    claim: NEIGHBOURS,
    ...(column && { column }),
    controls: { fails: ['identity'], passes: NOISE_ALONE },
    measure: ({ cipher, bytes }) =>
      correlationTest(bytes, cipher.width, cipher.height, bytesPerPixel(cipher), direction),
  })

/** Whether neighbours in a cipher are related: a test for each of four directions. */
export const correlations = [
  correlation('horizontal', 'neighbours in a row are related', { heading: 'correlation\nhorizontal', digits: 4 }),
  correlation('vertical', 'neighbours in a column are related', { heading: 'correlation\nvertical', digits: 4 }),
  correlation('diagonal', 'diagonal neighbours are related', { heading: 'correlation\ndiagonal', digits: 4 }),
  correlation('antidiagonal', 'diagonal neighbours are related'),
]

/** How much the mean difference of neighbours has grown from plain image to cipher (GVD, -1 to 1). */
export const greyValueDegree = defineTest({
  id: 'gvd',
  title: 'Grey value degree',
  group: 'cipher',
  failure: 'neighbours differ by more or less than chance',
  claim: NEIGHBOURS,
  column: { heading: 'GVD', digits: 3 },
  controls: { fails: ['identity'], passes: NOISE_ALONE },
  measure: ({ plain, cipher, bytes, alike }) =>
    alike ? gvdTest(byteView(plain), bytes, cipher.width, cipher.height, bytesPerPixel(cipher)) : undefined,
})
