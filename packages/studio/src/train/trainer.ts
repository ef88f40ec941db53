import { image, type Image, LatentError, randomBytes } from '@latent/core'
import { drawPicture } from '@latent/data'
import { BACKENDS, openStepper, type Stepper, type Tensor } from '@latent/graph'
import { openMaskAutoencoder, SIDES } from '@latent/schemes/mask-autoencoder'
import { maskAutoencoderRecipes } from '@latent/schemes/mask-autoencoder/recipe'
import { writeModel } from '@latent/schemes/models'
import type { Trainable } from './trainable.ts'

/** Where the steps are computed. */
export type TrainBackend = 'webgpu' | 'wasm'

/** What is to be trained, and where. */
export interface TrainChoice {
  readonly scheme: Trainable
  readonly backend: TrainBackend
}

/** How far a training is. */
export interface Progress {
  readonly step: number
  readonly steps: number
  /** Mean error since the last report. */
  readonly loss: number
  readonly imagesPerSecond: number
  readonly secondsLeft: number
}

/** Digits that the training has never seen, and one picture that is no digit, through the cipher as it is now. */
export interface Samples {
  readonly step: number
  readonly plain: Image<'u8'>
  readonly cipher: Image<'u8'>
  readonly decrypted: Image<'u8'>
  readonly wrong: Image<'u8'>
  /** Of digits kept apart, as dB. */
  readonly psnr: number
}

/** What a training tells as it goes on. */
export interface Listener {
  readonly progress: (progress: Progress) => void
  readonly samples: (samples: Samples) => void
}

/** As `latent train` has it: the small networks. */
const PROFILE = 'compact'
const SIDE = SIDES.mnist
/** A fourth of the recipe's: four times as many steps in the time that somebody watches. */
const BATCH = 16
/** Steps of a training, at most: minutes, as long as somebody watches. */
const LONGEST = 2000
/** Of what the recipe reports: the mean squared error of restored pictures. */
const ERROR = 'mse.error'
/** Tiles of the sheet that is shown. */
const [ACROSS, DOWN] = [4, 2]
/** Milliseconds from one report to the next, at least. */
const REPORTED = 200
/** Looking at samples takes a tenth of the time. */
const SHARE = 0.1

type Run = Awaited<ReturnType<(typeof maskAutoencoderRecipes)[number]['open']>>

/** One training of an auto-encoder, step by step, by the project's recipe and engine. */
export class Trainer {
  readonly #scheme: Trainable
  readonly #run: Run
  readonly #stepper: Stepper
  readonly #sheet: Image<'u8'>
  readonly #key = randomBytes(32)
  readonly #steps: number
  #pausing = false
  #seconds = 0

  private constructor(scheme: Trainable, run: Run, stepper: Stepper, sheet: Image<'u8'>) {
    this.#scheme = scheme
    this.#run = run
    this.#stepper = stepper
    this.#sheet = sheet
    this.#steps = Math.min(run.steps, LONGEST)
  }

  /**
   * Traces the training step and loads it where it is to run: on the processor too where the graphics card does not
   * take it.
   * @throws E_DATA for digits of another size, or too few; E_BACKEND
   */
  static async open({ scheme, backend }: TrainChoice, digits: readonly Image<'u8'>[], seed: number): Promise<Trainer> {
    const recipe = maskAutoencoderRecipes.find(({ id }) => id === recipeOf(scheme))!
    const run = await recipe.open({ profile: PROFILE, seed, batchSize: BATCH, images: async () => digits })
    const on = (name: TrainBackend) => openStepper(run.training, seed, { backend: BACKENDS[name] })
    const stepper = await on(backend).catch((error: unknown) => {
      if (backend === 'wasm' || !(error instanceof LatentError && error.code === 'E_BACKEND')) throw error
      return on('wasm')
    })
    return new Trainer(scheme, run, stepper, await sheetOf(digits.slice(1 - ACROSS * DOWN)))
  }

  /** Where the steps are computed. */
  get backend(): TrainBackend {
    return this.#stepper.backend === BACKENDS.webgpu ? 'webgpu' : 'wasm'
  }

  /** Steps done, of how many. */
  get progress(): Pick<Progress, 'step' | 'steps'> {
    return { step: this.#stepper.step, steps: this.#steps }
  }

  /**
   * Goes on to the end, or until paused.
   * @returns whether it has come to the end
   * @throws E_GRAPH if the loss is no number any more
   */
  async train({ progress, samples }: Listener): Promise<boolean> {
    this.#pausing = false
    const { batchSize, rates, data } = this.#run
    const steps = this.#steps
    if (this.#stepper.step === 0) samples(await this.samples())
    let [reported, errors, next] = [performance.now(), [] as number[], 0]
    const from = this.#stepper.step
    const before = this.#seconds
    while (this.#stepper.step < steps && !this.#pausing) {
      const step = this.#stepper.step
      const started = performance.now()
      const losses = await this.#stepper.advance(
        await data(step),
        rates.map(schedule => schedule(step, steps)),
      )
      const error = losses[ERROR] ?? Number.NaN
      if (!Number.isFinite(error))
        throw new LatentError('E_GRAPH', `training diverged: the error is ${error} at step ${step + 1}`, {
          hint: 'train again: every training begins with other weights',
        })
      errors.push(error)
      this.#seconds += (performance.now() - started) / 1000
      const now = performance.now()
      const last = this.#stepper.step === steps
      if (now - reported < REPORTED && !last) continue
      const imagesPerSecond = ((this.#stepper.step - from) * batchSize) / (this.#seconds - before)
      progress({
        step: this.#stepper.step,
        steps,
        loss: errors.reduce((sum, value) => sum + value, 0) / errors.length,
        imagesPerSecond,
        secondsLeft: ((steps - this.#stepper.step) * batchSize) / imagesPerSecond,
      })
      if (now >= next && !last) {
        samples(await this.samples())
        next = performance.now() + (performance.now() - now) / SHARE
      }
      ;[reported, errors] = [performance.now(), []]
      // Messages are heard between two tasks alone.
      await new Promise(resolve => setTimeout(resolve))
    }
    samples(await this.samples())
    return this.#stepper.step === steps
  }

  /** Stops after the step that is under way. */
  pause(): void {
    this.#pausing = true
  }

  /** The cipher as it is now, in the file that {@link weights} gives, on pictures that were not trained on. */
  async samples(): Promise<Samples> {
    const tensors = await this.#stepper.weights('average')
    const { cipher, close } = await openMaskAutoencoder(this.#scheme, { weights: this.#file(tensors) })
    try {
      const nonce = cipher.traits.randomised ? { nonce: randomBytes(16) } : {}
      const made = await cipher.encrypt(this.#sheet, this.#key, { ...nonce, wire: 'u8' })
      const back = async (key: Uint8Array) => (await cipher.decrypt(made, key, nonce)) as Image<'u8'>
      return {
        step: this.#stepper.step,
        plain: this.#sheet,
        cipher: made as Image<'u8'>,
        decrypted: await back(this.#key),
        wrong: await back(this.#key.with(31, this.#key[31]! ^ 1)),
        psnr: await this.#run.validation!.score(tensors),
      }
    } finally {
      await close()
    }
  }

  /** A file that the cipher reads, here and in the command line. */
  async weights(): Promise<Uint8Array> {
    return this.#file(await this.#stepper.weights('average'))
  }

  #file(tensors: Readonly<Record<string, Tensor<'f32'>>>): Uint8Array {
    return writeModel({ scheme: this.#scheme, profile: PROFILE, tensors }, { half: false })
  }

  async close(): Promise<void> {
    this.pause()
    await this.#stepper.close()
    await this.#run.close?.()
  }
}

/** `mask-autoencoder-2025-mnist-conv` is trained by `mask-autoencoder-mnist-conv`. */
const recipeOf = (scheme: Trainable): string => scheme.replace('-2025', '')

/** Digits side by side, and beside them a picture that is none. */
async function sheetOf(digits: readonly Image<'u8'>[]): Promise<Image<'u8'>> {
  const tiles = [...digits, await drawPicture('street', SIDE, SIDE)]
  const [width, height] = [ACROSS * SIDE, DOWN * SIDE]
  const data = new Uint8Array(width * height * 3)
  for (const [n, { channels, data: tile }] of tiles.entries())
    for (let y = 0; y < SIDE; y++)
      for (let x = 0; x < SIDE; x++)
        for (let c = 0; c < 3; c++)
          data[3 * ((Math.floor(n / ACROSS) * SIDE + y) * width + (n % ACROSS) * SIDE + x) + c] =
            tile[(y * SIDE + x) * channels + Math.min(c, channels - 1)]!
  return image({ width, height, channels: 3, format: 'u8', data })
}
