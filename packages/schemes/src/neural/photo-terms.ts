/** Photographs that recipes train on, and the terms of their use: sentences for the cards of weights. */

/** The training part of the photographs that come with no terms. */
export const OPEN_PHOTOS =
  'open-photos, train: 25 photographs of CLIC 2025 at half size, Unsplash License, free for any use'

/** The training part of BSDS500. */
export const BSDS_TRAIN = 'BSDS500, train: 200 photographs, for research and education that is not commercial'

/** The training part and the test part of BSDS500. */
export const BSDS_TRAIN_AND_TEST =
  'BSDS500, train and test: 400 photographs, for research and education that is not commercial'
