import { fromHex, type Image, image, KeyStream, sha256Of, toHex } from '@latent/core'
import { decodePng, encodePng } from '@latent/core/png'
import { cifarLabels, drawPicture, encodeCifarBatch, parseCifarBatch, parseIdxImages } from '@latent/data'
import { openData, readImage } from '@latent/data/node'
import { openScheme } from '@latent/schemes'
import { decryptDataSet, encryptDataSet, type Failure } from '@latent/data/encrypted'
import { spawnSync } from 'node:child_process'
import { cp, mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { atLength, LONG } from '../../../test/long.ts'
import { latentHere, startLatent } from './command.ts'

let root: string
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'latent-dataset-'))
})
afterAll(() => rm(root, { recursive: true, force: true }))

const at = (...parts: string[]) => join(root, ...parts)
const key = (seed: number) => sha256Of(Uint8Array.of(seed))
const noise = async (seed: number, length: number) =>
  (await KeyStream.create(key(seed), 'latent/v1/test')).bytes(length)
const exists = (path: string) =>
  stat(path).then(
    () => true,
    () => false,
  )
const everything = async (folder: string) => (await readdir(folder, { recursive: true })).sort()

async function put(path: string, bytes: Uint8Array): Promise<void> {
  await mkdir(dirname(path), { recursive: true })
  await writeFile(path, bytes)
}

/** Two splits of two classes, three pictures each. */
async function pictureFolders(name: string, width = 16, height = 12): Promise<string> {
  let variant = 0
  for (const split of ['train', 'test'])
    for (const label of ['cat', 'dog'])
      for (let i = 0; i < 3; i++)
        await put(at(name, split, label, `${i}.png`), encodePng(await drawPicture('shapes', width, height, variant++)))
  return at(name)
}

async function cifarFolder(name: string, counts: readonly number[]): Promise<string> {
  for (const [b, count] of counts.entries()) {
    const pixels = await noise(b, count * 3072)
    const pictures = Array.from({ length: count }, (_, i) =>
      image({ width: 32, height: 32, channels: 3, format: 'u8', data: pixels.slice(i * 3072, (i + 1) * 3072) }),
    )
    await put(
      at(name, b === counts.length - 1 ? 'test_batch.bin' : `data_batch_${b + 1}.bin`),
      encodeCifarBatch(
        pictures,
        Uint8Array.from({ length: count }, (_, i) => i % 10),
      ),
    )
  }
  return at(name)
}

const idxImages = (count: number, width: number, height: number, pixels: Uint8Array) => {
  const bytes = new Uint8Array(16 + count * width * height)
  for (const [i, value] of [0x803, count, height, width].entries()) new DataView(bytes.buffer).setUint32(4 * i, value)
  bytes.set(pixels, 16)
  return bytes
}
const idxLabels = (count: number) => {
  const bytes = new Uint8Array(8 + count).map((_, i) => i % 10)
  for (const [i, value] of [0x801, count].entries()) new DataView(bytes.buffer).setUint32(4 * i, value)
  return bytes
}

async function idxFolder(name: string): Promise<string> {
  await put(at(name, 'train-images-idx3-ubyte.gz'), gzipSync(idxImages(2500, 8, 4, await noise(3, 2500 * 32))))
  await put(at(name, 'train-labels-idx1-ubyte.gz'), gzipSync(idxLabels(2500)))
  await put(at(name, 't10k-images-idx3-ubyte'), idxImages(7, 8, 4, await noise(4, 7 * 32)))
  await put(at(name, 't10k-labels-idx1-ubyte'), idxLabels(7))
  return at(name)
}

const manifestOf = async (folder: string) =>
  JSON.parse(await readFile(join(folder, 'latent-dataset.json'), 'utf8')) as {
    salt: string
    keyCheck: string
    complete: boolean
    images: number
    labels: Record<string, number>
    files: { file: string; sha256: string }[]
  }

async function decrypted(scheme: string, cipher: Image, nonce?: Uint8Array): Promise<Uint8Array> {
  const opened = await openScheme(scheme)
  try {
    return (await opened.cipher.decrypt(cipher, key(1), nonce ? { nonce } : {})).data as Uint8Array
  } finally {
    await opened.close()
  }
}

describe('what is written', () => {
  test.each(['etc', 'per-image-permutation', 'aes-256-gcm'])(
    'folders by class under %s: the same tree as PNG, every picture opens again',
    async scheme => {
      const source = await pictureFolders(`tree-${scheme}`)
      await writeFile(join(source, 'notes.txt'), 'passed over')
      const out = at(`tree-${scheme}-out`)
      expect(await encryptDataSet(source, out, { scheme, key: key(1), workers: 2 })).toEqual({
        scheme,
        images: 12,
        made: 12,
        failed: 0,
        files: 12,
        layout: 'folders',
        copied: 0,
        leftOut: ['notes.txt'],
        leavings: [],
        emptyClasses: 0,
        exact: true,
        oneWay: false,
        unchanged: expect.any(Number),
      })
      const names = ['test/cat', 'test/dog', 'train/cat', 'train/dog'].flatMap(label =>
        ['0', '1', '2'].map(i => `${label}/${i}.png`),
      )
      expect((await everything(out)).filter(name => /\..+$/.test(name))).toEqual(['latent-dataset.json', ...names])
      for (const name of names) {
        const [plain, cipher] = [await readImage(join(source, name)), decodePng(await readFile(join(out, name)))]
        expect(cipher.data).not.toEqual(plain.data)
        expect(await decrypted(scheme, cipher)).toEqual(plain.data)
      }
      const manifest = await manifestOf(out)
      expect(manifest).toMatchObject({
        complete: true,
        images: 12,
        labels: { 'train/cat': 3, 'train/dog': 3, 'test/cat': 3, 'test/dog': 3 },
      })
      for (const { file, sha256 } of manifest.files)
        expect(toHex(sha256Of(await readFile(join(out, file))))).toBe(sha256)
      const { pictures } = await openData(join(out, 'train', 'cat'))
      expect(pictures.map(({ id }) => id)).toEqual(['0.png', '1.png', '2.png'])
    },
  )

  test('CIFAR batches: labels stay, our loader reads what is encrypted, nonces follow from the manifest', async () => {
    const source = await cifarFolder('cifar', [1200, 5, 5, 5, 5, 20])
    const plain = parseCifarBatch(await readFile(join(source, 'data_batch_1.bin')))
    for (const scheme of ['tanaka-le', 'pixel-based-shuffle-fresh']) {
      const out = at(scheme, 'cifar10')
      expect(await encryptDataSet(source, out, { scheme, key: key(1), workers: 2 })).toMatchObject({
        images: 1240,
        made: 1240,
        files: 6,
        layout: 'cifar',
      })
      expect(cifarLabels(await readFile(join(out, 'data_batch_1.bin')))).toEqual(
        cifarLabels(await readFile(join(source, 'data_batch_1.bin'))),
      )
      const { pictures } = await openData('cifar10/train', at(scheme))
      expect(pictures.length).toBe(1220)
      const { salt } = await manifestOf(out)
      for (const i of [0, 999, 1000, 1199]) {
        const nonce = sha256Of(
          Uint8Array.of(...fromHex(salt), ...new TextEncoder().encode(`data_batch_1.bin\0${i}`)),
        ).subarray(0, 16)
        expect(await decrypted(scheme, await pictures[i]!.load(), scheme === 'tanaka-le' ? undefined : nonce)).toEqual(
          plain[i]!.data,
        )
      }
    }
  })

  test('idx files, packed or not: unpacked idx files with their labels', async () => {
    const source = await idxFolder('idx')
    const out = at('idx-out')
    expect(await encryptDataSet(source, out, { scheme: 'pixel-based', key: key(1), workers: 2 })).toMatchObject({
      images: 2507,
      files: 4,
      layout: 'idx',
    })
    expect(new Uint8Array(await readFile(join(out, 'train-labels-idx1-ubyte')))).toEqual(idxLabels(2500))
    const images = parseIdxImages(await readFile(join(out, 'train-images-idx3-ubyte')))
    const plain = await noise(3, 2500 * 32)
    for (const i of [0, 999, 1000, 2499])
      expect(await decrypted('pixel-based', images[i]!)).toEqual(plain.slice(32 * i, 32 * (i + 1)))
  })

  test('neither key nor plain hashes are in the manifest; another key has another check value', async () => {
    const source = await pictureFolders('secret')
    const checks = new Set<string>()
    for (const seed of [1, 2]) {
      await encryptDataSet(source, at(`secret-${seed}`), { scheme: 'etc', key: key(seed), workers: 1 })
      const text = await readFile(at(`secret-${seed}`, 'latent-dataset.json'), 'utf8')
      expect(text).not.toContain(toHex(key(seed)))
      for (const name of ['train/cat/0.png', 'test/dog/2.png'])
        expect(text).not.toContain(toHex(sha256Of(await readFile(join(source, name)))))
      checks.add((await manifestOf(at(`secret-${seed}`))).keyCheck)
    }
    expect(checks.size).toBe(2)
  })
})

const TORCHVISION = spawnSync('/usr/bin/python3', ['-c', 'import torchvision'], { stdio: 'ignore' }).status === 0

describe.skipIf(!TORCHVISION)('read by torchvision, which knows nothing of Latent', () => {
  const script = fileURLToPath(new URL('../../../bench/peers/image_folder.py', import.meta.url))
  const seen = (...args: string[]) => {
    const { status, stdout, stderr } = spawnSync('/usr/bin/python3', [script, ...args], { encoding: 'utf8' })
    if (status !== 0) throw new Error(stderr)
    return stdout
      .trimEnd()
      .split('\n')
      .map(line => JSON.parse(line) as { label: string; size: number[]; channels: number; sha256: string })
  }
  const hash = (data: Uint8Array) => toHex(sha256Of(data))

  test('folders by class: its ImageFolder finds the classes, and the cipher pixels to the bit', async () => {
    await encryptDataSet(await pictureFolders('vision'), at('vision-out'), {
      scheme: 'pixel-based',
      key: key(1),
      workers: 1,
    })
    const expected = await Promise.all(
      ['cat', 'dog'].flatMap(label =>
        ['0', '1', '2'].map(async i => ({
          label,
          size: [16, 12],
          channels: 3,
          sha256: hash(decodePng(await readFile(at('vision-out/train', label, `${i}.png`))).data as Uint8Array),
        })),
      ),
    )
    expect(seen('folders', at('vision-out/train'))).toEqual(expected)
  })

  test('idx files: images and labels', async () => {
    const folder = await idxFolder('vision-idx')
    await encryptDataSet(folder, at('vision-idx-out'), { scheme: 'pixel-based', key: key(1), workers: 1 })
    const [images, labels] = ['images-idx3', 'labels-idx1'].map(kind => at('vision-idx-out', `t10k-${kind}-ubyte`)) as [
      string,
      string,
    ]
    expect(seen('idx', images, labels)).toEqual(
      parseIdxImages(await readFile(images)).map(({ data }, i) => ({
        label: String((i + 8) % 10),
        size: [8, 4],
        channels: 1,
        sha256: hash(data),
      })),
    )
  })
})

describe('going on', () => {
  test('a corrupt picture: named by code, the others done, nothing half-written; mended, all is done', async () => {
    const source = await pictureFolders('corrupt')
    const broken = join(source, 'train', 'dog', '1.png')
    const whole = await readFile(broken)
    await writeFile(broken, whole.subarray(0, whole.length - 30))
    const out = at('corrupt-out')
    const failures: string[] = []
    const options = {
      scheme: 'per-image-permutation',
      key: key(1),
      workers: 2,
      onFailure: ({ file, code }: Failure) => failures.push(`${file} ${code}`),
    }
    await expect(encryptDataSet(source, out, options)).rejects.toMatchObject({
      code: 'E_IMAGE',
      message: expect.stringContaining('1 of 12'),
    })
    expect(failures).toEqual([expect.stringMatching(/train\/dog\/1\.png.*E_IMAGE/)])
    expect(await exists(join(out, 'train/dog/1.png'))).toBe(false)
    expect((await everything(out)).some(name => name.includes('.tmp'))).toBe(false)
    expect((await manifestOf(out)).complete).toBe(false)
    await writeFile(broken, whole)
    expect(await encryptDataSet(source, out, options)).toMatchObject({ images: 12, made: 1 })
    expect((await manifestOf(out)).complete).toBe(true)
    expect(await exists(join(out, 'latent-dataset.jsonl'))).toBe(false)
  })

  test('a file that was cut, or removed, is made again to the same bytes; a whole one is left', async () => {
    const source = await cifarFolder('cut', [30, 30])
    const out = at('cut-out')
    const options = { scheme: 'aes-256-ctr', key: key(1), workers: 1 }
    await encryptDataSet(source, out, options)
    const [first, second] = [await readFile(join(out, 'data_batch_1.bin')), await readFile(join(out, 'test_batch.bin'))]
    await writeFile(join(out, 'data_batch_1.bin'), first.subarray(0, 5000))
    await rm(join(out, 'test_batch.bin'))
    expect(await encryptDataSet(source, out, options)).toMatchObject({ made: 60 })
    expect(await readFile(join(out, 'data_batch_1.bin'))).toEqual(first)
    expect(await readFile(join(out, 'test_batch.bin'))).toEqual(second)
    expect(await encryptDataSet(source, out, options)).toMatchObject({ images: 60, made: 0 })
  })

  test('killed in between, and started again: as if it had run through', async () => {
    const source = at('killed')
    for (let i = 0; i < 1500; i++)
      await put(
        join(source, `class-${i % 3}`, `${i}.png`),
        encodePng(
          image({
            width: 8,
            height: 8,
            channels: 1,
            format: 'u8',
            data: (await noise(i & 255, 64)).map(value => value ^ (i >> 8)),
          }),
        ),
      )
    await writeFile(at('killed.key'), toHex(key(1)))
    const out = at('killed-out')
    const command = [
      'dataset',
      'encrypt',
      source,
      out,
      '--scheme',
      'per-image-permutation',
      '--key-file',
      at('killed.key'),
      '--workers',
      '1',
      '--json',
    ]
    const run = startLatent(command)
    // The first line opens the manifest: something must be done before the kill, and something left to do.
    const lines = async () =>
      (await readFile(join(out, 'latent-dataset.jsonl'), 'utf8').catch(() => '')).split('\n').length
    while ((await lines()) < 4) await new Promise(resolve => setTimeout(resolve, 2))
    run.kill('SIGKILL')
    await run.done
    expect((await manifestOf(out)).complete).toBe(false)
    const result = await encryptDataSet(source, out, { scheme: 'per-image-permutation', key: key(1), workers: 2 })
    expect(result.images).toBe(1500)
    expect(result.made).toBeLessThan(1500)
    const names = (await everything(out)).filter(name => /\..+$/.test(name))
    expect(names.length).toBe(1501)
    for (const name of names.filter(name => name.endsWith('7.png')))
      expect(await decrypted('per-image-permutation', decodePng(await readFile(join(out, name))))).toEqual(
        (await readImage(join(source, name))).data,
      )
  })
})

describe('decrypting', () => {
  const back = async (source: string, name: string, scheme: string) => {
    await encryptDataSet(source, at(`${name}-cipher`), { scheme, key: key(1), workers: 1 })
    return decryptDataSet(at(`${name}-cipher`), at(`${name}-plain`), { key: key(1), workers: 1 })
  }

  test.each(['etc', 'pixel-based-shuffle-fresh', 'vortex-2024-bijective', 'aes-256-gcm'])(
    'folders by class under %s: every picture as it was',
    async scheme => {
      const source = await pictureFolders(`back-${scheme}`)
      expect(await back(source, `back-${scheme}`, scheme)).toEqual({
        scheme,
        images: 12,
        made: 12,
        failed: 0,
        files: 12,
        layout: 'folders',
        copied: 0,
        leftOut: [],
        leavings: [],
        emptyClasses: 0,
        exact: true,
        oneWay: false,
        compared: 12,
        equal: 12,
      })
      const names = (await everything(source)).filter(name => name.endsWith('.png'))
      for (const name of names)
        expect(decodePng(await readFile(at(`back-${scheme}-plain`, name)))).toEqual(await readImage(join(source, name)))
      expect(await manifestOf(at(`back-${scheme}-plain`))).toMatchObject({ complete: true, images: 12 })
    },
  )

  test.each(LONG ? ['extended-le', 'pixel-based-fresh'] : ['pixel-based-fresh'])(
    `CIFAR batches and idx files under %s: the bytes as they were${atLength}`,
    async scheme => {
      const cifar = await cifarFolder(`back-cifar-${scheme}`, [1100, 7])
      await back(cifar, `back-cifar-${scheme}`, scheme)
      for (const name of ['data_batch_1.bin', 'test_batch.bin'])
        expect(await readFile(at(`back-cifar-${scheme}-plain`, name))).toEqual(await readFile(join(cifar, name)))
      await back(await idxFolder(`back-idx-${scheme}`), `back-idx-${scheme}`, scheme)
      const plain = at(`back-idx-${scheme}-plain`)
      expect(new Uint8Array(await readFile(join(plain, 'train-images-idx3-ubyte')))).toEqual(
        idxImages(2500, 8, 4, await noise(3, 2500 * 32)),
      )
      expect(new Uint8Array(await readFile(join(plain, 't10k-labels-idx1-ubyte')))).toEqual(idxLabels(7))
    },
  )

  test('the lossy vortex comes back as its own inverse makes it', async () => {
    const source = await cifarFolder('back-vortex', [20, 3])
    expect(await back(source, 'back-vortex', 'vortex-2024')).toMatchObject({ exact: false })
    const [cipher, plain] = await Promise.all(
      ['cipher', 'plain'].map(async name =>
        parseCifarBatch(await readFile(at(`back-vortex-${name}`, 'data_batch_1.bin'))),
      ),
    )
    for (const [i, picture] of cipher!.entries())
      expect(await decrypted('vortex-2024', picture)).toEqual(plain![i]!.data)
  })

  test('what nothing decrypts is said to be so, and refused', async () => {
    const out = at('one-way-out')
    expect(
      await encryptDataSet(await pictureFolders('one-way', 32, 32), out, {
        scheme: 'ito-transform-2021',
        key: key(1),
        workers: 1,
      }),
    ).toMatchObject({ images: 12, oneWay: true, exact: false })
    await expect(decryptDataSet(out, at('one-way-back'), { key: key(1), workers: 1 })).rejects.toMatchObject({
      code: 'E_UNSUPPORTED',
    })
    expect(await exists(at('one-way-back'))).toBe(false)
  })

  test('another key, no manifest, half of one, a decrypted folder: refused before anything is written', async () => {
    const source = await pictureFolders('refused')
    const cipher = at('refused-cipher')
    const out = at('refused-out')
    const options = { key: key(1), workers: 1 }
    await expect(decryptDataSet(source, out, options)).rejects.toMatchObject({ code: 'E_DATA' })
    await encryptDataSet(source, cipher, { ...options, scheme: 'etc' })
    await expect(decryptDataSet(cipher, out, { ...options, key: key(2) })).rejects.toMatchObject({ code: 'E_NO_MATCH' })
    await expect(decryptDataSet(cipher, join(cipher, 'out'), options)).rejects.toMatchObject({ code: 'E_ARGUMENT' })
    const manifest = await readFile(join(cipher, 'latent-dataset.json'), 'utf8')
    for (const spoilt of [
      manifest.replace('"complete": true', '"complete": false'),
      manifest.replace('data set 1', 'data set 9'),
      manifest.replace('"file"', '"name"'),
      '{',
    ]) {
      expect(spoilt).not.toBe(manifest)
      await writeFile(join(cipher, 'latent-dataset.json'), spoilt)
      await expect(decryptDataSet(cipher, out, options)).rejects.toMatchObject({ code: 'E_DATA' })
    }
    await writeFile(join(cipher, 'latent-dataset.json'), manifest)
    await put(join(cipher, 'train/cat/foreign.png'), await readFile(join(cipher, 'train/cat/0.png')))
    await expect(decryptDataSet(cipher, out, options)).rejects.toMatchObject({
      code: 'E_DATA',
      message: expect.stringContaining('foreign'),
    })
    expect(await exists(out)).toBe(false)
    await rm(join(cipher, 'train/cat/foreign.png'))
    await rm(join(cipher, 'train/cat/0.png'))
    // A file that is gone fails alone.
    await expect(decryptDataSet(cipher, out, options)).rejects.toMatchObject({
      code: 'E_DATA',
      message: expect.stringContaining('train/cat/0.png'),
    })
    expect([await exists(join(out, 'train/cat/0.png')), await exists(join(out, 'train/cat/1.png'))]).toEqual([
      false,
      true,
    ])
    await encryptDataSet(source, cipher, { ...options, scheme: 'etc' })
    await decryptDataSet(cipher, out, options)
    await expect(decryptDataSet(out, at('refused-twice'), options)).rejects.toMatchObject({
      code: 'E_DATA',
      message: expect.stringContaining('already'),
    })
    await expect(encryptDataSet(source, out, { ...options, scheme: 'etc' })).rejects.toMatchObject({
      code: 'E_EXISTS',
      message: expect.stringContaining('decrypted'),
    })
    await expect(decryptDataSet(cipher, cipher, options)).rejects.toMatchObject({ code: 'E_ARGUMENT' })
  })

  test('an altered file is named, the others done; brought back, all is; a cut result is made again', async () => {
    const source = await pictureFolders('altered')
    const [cipher, plain] = [at('altered-cipher'), at('altered-plain')]
    const options = { key: key(1), workers: 1 }
    await encryptDataSet(source, cipher, { ...options, scheme: 'per-image-permutation' })
    const file = join(cipher, 'test/cat/2.png')
    const whole = await readFile(file)
    await cp(join(cipher, 'test/cat/1.png'), file)
    const failures: string[] = []
    await expect(
      decryptDataSet(cipher, plain, { ...options, onFailure: ({ file, code }) => failures.push(`${file} ${code}`) }),
    ).rejects.toMatchObject({ code: 'E_HASH', message: expect.stringContaining('1 of 12') })
    expect(failures).toEqual([expect.stringMatching(/test\/cat\/2\.png.*E_HASH/)])
    expect((await everything(plain)).filter(name => name.endsWith('.png')).length).toBe(11)
    await writeFile(file, whole)
    expect(await decryptDataSet(cipher, plain, options)).toMatchObject({ images: 12, made: 1 })
    const result = await readFile(join(plain, 'train/dog/0.png'))
    await writeFile(join(plain, 'train/dog/0.png'), result.subarray(0, 99))
    expect(await decryptDataSet(cipher, plain, options)).toMatchObject({ made: 1 })
    expect(await readFile(join(plain, 'train/dog/0.png'))).toEqual(result)
    await encryptDataSet(source, at('altered-other'), { ...options, scheme: 'per-image-permutation' })
    await expect(decryptDataSet(at('altered-other'), plain, options)).rejects.toMatchObject({ code: 'E_EXISTS' })
  })

  test('a batch that was altered gives no file', async () => {
    const source = await cifarFolder('altered-batch', [20, 3])
    await encryptDataSet(source, at('altered-batch-cipher'), { scheme: 'etc', key: key(1), workers: 1 })
    const bytes = await readFile(at('altered-batch-cipher', 'data_batch_1.bin'))
    bytes[3000]! ^= 1
    await writeFile(at('altered-batch-cipher', 'data_batch_1.bin'), bytes)
    await expect(
      decryptDataSet(at('altered-batch-cipher'), at('altered-batch-plain'), { key: key(1), workers: 1 }),
    ).rejects.toMatchObject({ code: 'E_HASH' })
    expect(await exists(at('altered-batch-plain', 'data_batch_1.bin'))).toBe(false)
  })
})

describe('what is refused, before anything is written', () => {
  const vortexKey = new TextEncoder().encode(JSON.stringify({ imageSide: 32, profileDivisor: 1, vortices: [] }))
  const small = (width: number, height: number, channels = 1) =>
    encodePng(image({ width, height, channels, format: 'u8', data: new Uint8Array(width * height * channels) }))
  test.each<[string, string, Partial<Parameters<typeof encryptDataSet>[2]>, (folder: string) => Promise<unknown>]>([
    ['mixed sizes', 'E_DATA', {}, folder => put(join(folder, 'train/cat/odd.png'), small(20, 12, 3))],
    ['a picture in no class', 'E_DATA', {}, folder => put(join(folder, 'loose.png'), small(16, 12))],
    ['classes at two depths', 'E_DATA', {}, folder => put(join(folder, 'cat/x.png'), small(16, 12))],
    ['two pictures that become one', 'E_DATA', {}, folder => put(join(folder, 'train/cat/0.jpg'), small(16, 12))],
    [
      'a picture of a kind that is not read',
      'E_DATA',
      {},
      folder => put(join(folder, 'train/cat/x.bmp'), small(16, 12)),
    ],
    ['a link', 'E_DATA', {}, folder => symlink(join(folder, 'train/cat/0.png'), join(folder, 'train/cat/z.png'))],
    ['nothing', 'E_DATA', {}, async folder => (await rm(folder, { recursive: true }), mkdir(folder))],
    ['no folder', 'E_IO', {}, folder => rm(folder, { recursive: true })],
    ['an unknown scheme', 'E_ARGUMENT', { scheme: 'nope' }, async () => {}],
    ['a short key', 'E_KEY', { key: new Uint8Array(16) }, async () => {}],
    ['a key of another image size', 'E_KEY', { scheme: 'vortex-2024', key: vortexKey }, async () => {}],
    ['a vortex key for another cipher', 'E_KEY', { key: vortexKey }, async () => {}],
    [
      'sides that hold no blocks',
      'E_IMAGE',
      { scheme: 'tanaka-le' },
      async folder => {
        await rm(folder, { recursive: true })
        await put(join(folder, 'cat/x.png'), small(30, 30))
      },
    ],
    ['a batch that is cut off', 'E_DATA', {}, folder => put(join(folder, 'data_batch_1.bin'), new Uint8Array(3000))],
    [
      'an unknown CIFAR label',
      'E_DATA',
      {},
      folder => put(join(folder, 'data_batch_1.bin'), new Uint8Array(3073).fill(10)),
    ],
    [
      'idx images without labels',
      'E_DATA',
      {},
      folder => put(join(folder, 'train-images-idx3-ubyte'), idxImages(1, 4, 4, new Uint8Array(16))),
    ],
    [
      'idx labels of another number',
      'E_DATA',
      {},
      async folder => {
        await put(join(folder, 'train-images-idx3-ubyte'), idxImages(1, 4, 4, new Uint8Array(16)))
        await put(join(folder, 'train-labels-idx1-ubyte'), idxLabels(2))
      },
    ],
    [
      'idx files of two sizes',
      'E_DATA',
      {},
      async folder => {
        for (const [name, side] of [
          ['a', 4],
          ['b', 8],
        ] as const) {
          await put(join(folder, `${name}-images-idx3-ubyte`), idxImages(1, side, side, new Uint8Array(side * side)))
          await put(join(folder, `${name}-labels-idx1-ubyte`), idxLabels(1))
        }
      },
    ],
    [
      'a damaged gzip file',
      'E_DATA',
      {},
      async folder => {
        await put(
          join(folder, 'train-images-idx3-ubyte.gz'),
          gzipSync(idxImages(1, 4, 4, new Uint8Array(16))).subarray(0, 20),
        )
        await put(join(folder, 'train-labels-idx1-ubyte'), idxLabels(1))
      },
    ],
    [
      'a tag that a batch has no place for',
      'E_UNSUPPORTED',
      { scheme: 'aes-256-gcm' },
      folder => put(join(folder, 'data_batch_1.bin'), new Uint8Array(3073)),
    ],
  ])('%s', async (name, code, options, spoil) => {
    const folder = await pictureFolders(`bad-${name}`)
    await spoil(folder)
    const out = at(`bad-${name}-out`)
    await expect(
      encryptDataSet(folder, out, { scheme: 'pixel-based', key: key(1), workers: 1, ...options }),
    ).rejects.toMatchObject({ name: 'LatentError', code })
    expect(await exists(out)).toBe(false)
  })

  test('an output of another key or scheme, of other images, with foreign files; folders in each other', async () => {
    const source = await pictureFolders('taken')
    const out = at('taken-out')
    const options = { scheme: 'etc', key: key(1), workers: 1 }
    await encryptDataSet(source, out, options)
    const before = await everything(out)
    await expect(encryptDataSet(source, out, { ...options, key: key(2) })).rejects.toMatchObject({
      code: 'E_EXISTS',
      message: expect.stringContaining('another key'),
    })
    await expect(encryptDataSet(source, out, { ...options, scheme: 'pixel-based' })).rejects.toMatchObject({
      code: 'E_EXISTS',
      message: expect.stringContaining('etc'),
    })
    await expect(encryptDataSet(await pictureFolders('taken-other', 8, 8), out, options)).rejects.toMatchObject({
      code: 'E_EXISTS',
    })
    await expect(encryptDataSet(source, at('taken-other'), options)).rejects.toMatchObject({ code: 'E_EXISTS' })
    await expect(encryptDataSet(source, join(source, 'out'), options)).rejects.toMatchObject({ code: 'E_ARGUMENT' })
    await expect(encryptDataSet(source, source, options)).rejects.toMatchObject({ code: 'E_ARGUMENT' })
    expect(await everything(out)).toEqual(before)
  })

  test('a source that changed or lost an image: its nonce is not used twice', async () => {
    const source = await pictureFolders('changed')
    const out = at('changed-out')
    const options = { scheme: 'aes-256-ctr', key: key(1), workers: 1 }
    await encryptDataSet(source, out, options)
    await cp(join(source, 'train/cat/0.png'), join(source, 'train/cat/1.png'))
    await expect(encryptDataSet(source, out, options)).rejects.toMatchObject({ code: 'E_CHANGED' })
    await rm(join(source, 'train/cat/1.png'))
    await expect(encryptDataSet(source, out, options)).rejects.toMatchObject({ code: 'E_CHANGED' })
  })
})

test('the command: a vortex key file, one line of result, and errors with their exit code', async () => {
  const source = await cifarFolder('command', [3, 2])
  await writeFile(
    at('vortex.json'),
    JSON.stringify({
      imageSide: 32,
      profileDivisor: 10,
      vortices: [{ centre: [16, 16], radius: 12, profile: Array.from({ length: 13 }, (_, i) => i / 10) }],
    }),
    { mode: 0o600 },
  )
  const latent = (...args: string[]) => latentHere(['dataset', ...args])
  const done = await latent(
    'encrypt',
    source,
    at('command-out'),
    '--scheme',
    'vortex-2024',
    '--key-file',
    at('vortex.json'),
  )
  expect(done).toMatchObject({
    code: 0,
    err: '',
    out: expect.stringMatching(
      /^5 images in 2 files encrypted with vortex-2024 .*; 5 made in this run.*\n(.*\n)?note: this cipher is lossy/,
    ),
  })
  const again = await latent(
    'encrypt',
    source,
    at('command-out'),
    '--scheme',
    'vortex-2024',
    '--key-file',
    at('vortex.json'),
    '--json',
  )
  expect(JSON.parse(again.out)).toMatchObject({ summary: { images: 5, made: 0, layout: 'cifar', exact: false } })
  const back = await latent('decrypt', at('command-out'), at('command-back'), '--key-file', at('vortex.json'))
  expect(back).toMatchObject({
    code: 0,
    err: '',
    out: expect.stringMatching(/^5 images in 2 files decrypted from vortex-2024 .*\nnote: this cipher is lossy/),
  })
  await writeFile(at('command.key'), toHex(key(3)))
  expect(
    await latent('decrypt', at('command-out'), at('command-wrong'), '--key-file', at('command.key')),
  ).toMatchObject({ out: '', err: expect.stringContaining('E_NO_MATCH') })
  expect(done.out).toMatch(/\nnote: [4-9]\d% of the samples of the first image are as they were/)
  expect(await latent('encrypt', source, at('x'), '--scheme', 'etc', '--key-file', at('vortex.json'))).toMatchObject({
    code: 2,
    out: '',
    err: expect.stringContaining('E_KEY'),
  })
  expect(
    await latent('encrypt', source, at('x'), '--scheme', 'etc', '--key-file', at('vortex.json'), '--workers', '0'),
  ).toMatchObject({ code: 2 })
})
