import { argumentError, LatentError } from '@latent/core'
import { type Attack, requireAttack } from './contract.ts'
import { classByDistance, classByNetwork, classByProbe } from './suite/classes.ts'
import { advancedFeatureReconstructionAttack, featureReconstructionAttack } from './suite/folding.ts'
import { foldedMap } from './suite/folded-map.ts'
import { eitherHalf, outline, squint } from './suite/glance.ts'
import { inverseLocalBlocks, inverseLocalPixels, unpairedColours } from './suite/inverse-networks.ts'
import { jigsaw, jigsawOfMany } from './suite/jigsaw.ts'
import { linearBlocks, linearImage, linearPixels, linearSharedBlocks } from './suite/linear.ts'
import { look } from './suite/look.ts'
import {
  coordinateMap,
  helperBlocks,
  helperNumberedBlocks,
  helperPixels,
  knownMap,
  mapOfMany,
  sampleMap,
} from './suite/maps.ts'
import {
  backgroundMode,
  chosenCipherMask,
  chosenMask,
  knownMask,
  manyTimePad,
  silhouettes,
  touchedCipher,
  twoTimePad,
} from './suite/masks.ts'
import { nearKey } from './suite/near-key.ts'
import { diffusionPeel } from './suite/peel.ts'
import { phaseRetrieval } from './suite/phase-retrieval.ts'
import { shortKeys } from './suite/short-keys.ts'
import { superposition } from './suite/superposition.ts'
import { toldByPlaces, toldByStatistics } from './suite/noise.ts'

/** Every attack of the lab, a line each. */
export const ATTACKS: readonly Attack[] = [
  look,
  squint,
  outline,
  eitherHalf,
  featureReconstructionAttack,
  advancedFeatureReconstructionAttack,
  jigsaw,
  jigsawOfMany,
  twoTimePad,
  manyTimePad,
  backgroundMode,
  silhouettes,
  mapOfMany,
  unpairedColours,
  toldByStatistics,
  toldByPlaces,
  classByDistance,
  classByProbe,
  classByNetwork,
  knownMask,
  knownMap,
  linearPixels,
  linearBlocks,
  linearSharedBlocks,
  linearImage,
  inverseLocalPixels,
  inverseLocalBlocks,
  phaseRetrieval,
  shortKeys,
  diffusionPeel,
  chosenMask,
  coordinateMap,
  sampleMap,
  helperPixels,
  helperBlocks,
  helperNumberedBlocks,
  superposition,
  foldedMap,
  chosenCipherMask,
  touchedCipher,
  nearKey,
]

/** @throws E_ARGUMENT for an unknown id, naming the known ones */
export function findAttack(id: string): Attack {
  const attack = ATTACKS.find(candidate => candidate.id === id)
  if (!attack)
    throw new LatentError('E_ARGUMENT', `there is no attack ${JSON.stringify(id)}`, {
      hint: `known attacks: ${ATTACKS.map(known => known.id).join(', ')}`,
    })
  return attack
}

/**
 * The attacks of the lab and others beside them. @throws E_SCRIPT for what is no attack; E_ARGUMENT for an id that is
 * taken
 */
export function withAttacks(own: readonly Attack[]): readonly Attack[] {
  const all = [...ATTACKS]
  for (const attack of own.map(requireAttack)) {
    if (all.some(({ id }) => id === attack.id))
      throw argumentError('attack', 'an id that no other attack has', attack.id)
    all.push(attack)
  }
  return all
}
