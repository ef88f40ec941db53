import { joinBytes, LatentError, randomBytes, toHex } from '@latent/core'
import type * as Aws from '@aws-sdk/client-s3'
import { type ByteRange, checkFolder, checkName, exactly, type ObjectBody, type ObjectInfo, within } from './store.ts'
import { type FaultKind, type Store, StoreFault } from './store.ts'

type Sdk = typeof Aws

/** Objects above this size go up in parts of it; a part is held in memory. S3 takes 10,000 parts of 5 MiB or more. */
const PART_BYTES = 16 * 1024 * 1024
const MOST_PARTS = 10_000

/** Where a bucket is. Credentials are found by the SDK: environment, shared profile, the machine's role. */
export interface S3Place {
  readonly bucket: string
  /** Without slashes at its ends; may be empty. */
  readonly prefix: string
  /** Of a service that is not Amazon's; `AWS_ENDPOINT_URL_S3` and `AWS_ENDPOINT_URL` say it too. */
  readonly endpoint?: string
  readonly partBytes?: number
  /** Of a page of a listing, where it is to be fewer than the service gives. */
  readonly pageObjects?: number
}

/**
 * A bucket of S3, or of a service that speaks its language. Whether the service knows `If-None-Match: *` is tried
 * once. @throws E_STORE if `@aws-sdk/client-s3` is not installed
 */
export async function openS3(place: S3Place): Promise<Store> {
  let sdk: Sdk
  try {
    sdk = await import('@aws-sdk/client-s3')
  } catch {
    throw new StoreFault('refused', 'buckets need the package @aws-sdk/client-s3, which is not installed', {
      hint: 'npm install @aws-sdk/client-s3',
    })
  }
  const own = place.endpoint ?? process.env['AWS_ENDPOINT_URL_S3'] ?? process.env['AWS_ENDPOINT_URL']
  // A role of the machine, which the SDK asks a host of its network for, is one of Amazon's.
  if (own !== undefined) process.env['AWS_EC2_METADATA_DISABLED'] ??= 'true'
  const client = new sdk.S3Client({
    // Many services refuse the checksums that the SDK sends on its own, and every object is authenticated anyway.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    region: process.env['AWS_REGION'] ?? process.env['AWS_DEFAULT_REGION'] ?? 'us-east-1',
    // Attempts are ours to count.
    maxAttempts: 1,
    ...(own === undefined ? {} : { endpoint: own, forcePathStyle: true }),
  })
  return new S3Store(sdk, client, place)
}

class S3Store implements Store {
  readonly address: string
  readonly #sdk: Sdk
  readonly #client: Aws.S3Client
  readonly #bucket: string
  readonly #prefix: string
  readonly #partBytes: number
  readonly #pageObjects: number | undefined
  #conditional: Promise<boolean> | undefined

  constructor(sdk: Sdk, client: Aws.S3Client, { bucket, prefix, partBytes = PART_BYTES, pageObjects }: S3Place) {
    this.#sdk = sdk
    this.#client = client
    this.#bucket = bucket
    this.#prefix = prefix === '' ? '' : `${prefix}/`
    this.#partBytes = partBytes
    this.#pageObjects = pageObjects
    this.address = `s3://${bucket}${prefix === '' ? '' : `/${prefix}`}`
  }

  createsOnly(): Promise<boolean> {
    this.#conditional ??= this.#tryCondition()
    this.#conditional.catch(() => (this.#conditional = undefined))
    return this.#conditional
  }

  /** Writes a small object twice: a service that knows the condition refuses the second. */
  async #tryCondition(): Promise<boolean> {
    const name = `probe/${toHex(randomBytes(16))}`
    const put = () => this.#put(name, new Uint8Array(0), true)
    try {
      await put()
      return (await put()) === 'exists'
    } finally {
      await this.remove(name)
    }
  }

  #where(name: string): { Bucket: string; Key: string } {
    return { Bucket: this.#bucket, Key: this.#prefix + checkName(name) }
  }

  async *list(folder: string): AsyncGenerator<ObjectInfo> {
    checkFolder(folder)
    let last: string | undefined
    do {
      const page = await this.#client
        .send(
          new this.#sdk.ListObjectsV2Command({
            Bucket: this.#bucket,
            Prefix: this.#prefix + folder,
            ...(last === undefined ? {} : { StartAfter: last }),
            ...(this.#pageObjects === undefined ? {} : { MaxKeys: this.#pageObjects }),
          }),
        )
        .catch((error: unknown) => {
          throw this.#fault(error, `cannot list ${this.address}`)
        })
      for (const { Key = '', Size = 0, LastModified } of page.Contents ?? []) {
        if (!Key.endsWith('/'))
          yield {
            name: Key.slice(this.#prefix.length),
            size: Size,
            ...(LastModified === undefined ? {} : { modified: LastModified.getTime() }),
          }
      }
      // Keys come in order; some services do not understand the token that they give.
      last = page.IsTruncated ? page.Contents?.at(-1)?.Key : undefined
    } while (last !== undefined)
  }

  async stat(name: string): Promise<ObjectInfo | undefined> {
    try {
      const { ContentLength, LastModified } = await this.#client.send(
        new this.#sdk.HeadObjectCommand(this.#where(name)),
      )
      return {
        name,
        size: ContentLength ?? 0,
        ...(LastModified === undefined ? {} : { modified: LastModified.getTime() }),
      }
    } catch (error) {
      if (statusOf(error) === 404) return undefined
      throw this.#fault(error, `cannot look at ${name}`)
    }
  }

  async *read(name: string, range?: ByteRange): AsyncGenerator<Uint8Array> {
    if (range && range.from >= range.to) return
    try {
      const { Body, ContentLength, ContentRange } = await this.#client.send(
        new this.#sdk.GetObjectCommand({
          ...this.#where(name),
          ...(range ? { Range: `bytes=${range.from}-${range.to - 1}` } : {}),
        }),
      )
      const parts = Body as AsyncIterable<Uint8Array> | undefined
      if (!parts) return
      const whole = ContentLength === undefined ? parts : exactly(parts, ContentLength, `cannot read ${name}`)
      yield* range ? within(whole, range, ContentRange) : whole
    } catch (error) {
      // A range behind the end holds nothing.
      if (statusOf(error) === 416) return
      throw this.#fault(error, `cannot read ${name}`)
    }
  }

  async create(name: string, body: ObjectBody): Promise<'created' | 'exists'> {
    const conditional = await this.createsOnly()
    if (!conditional && (await this.stat(name))) return 'exists'
    const parts = exactly(body.parts(), body.size, `cannot write ${name}`)
    if (body.size > this.#partBytes) return this.#inParts(name, parts, body.size, conditional)
    const held: Uint8Array[] = []
    for await (const part of parts) held.push(part)
    return this.#put(name, joinBytes(held), conditional)
  }

  async #put(name: string, bytes: Uint8Array, conditional: boolean): Promise<'created' | 'exists'> {
    try {
      await this.#client.send(
        new this.#sdk.PutObjectCommand({
          ...this.#where(name),
          Body: bytes,
          ContentLength: bytes.length,
          ...(conditional ? { IfNoneMatch: '*' } : {}),
        }),
      )
      return 'created'
    } catch (error) {
      if (conditional && isTaken(error)) return 'exists'
      throw this.#fault(error, `cannot write ${name}`)
    }
  }

  /** Nothing is visible until the last step; an upload that fails is taken back. */
  async #inParts(
    name: string,
    parts: AsyncIterable<Uint8Array>,
    size: number,
    conditional: boolean,
  ): Promise<'created' | 'exists'> {
    const where = this.#where(name)
    const sdk = this.#sdk
    let UploadId: string | undefined
    try {
      ;({ UploadId } = await this.#client.send(new sdk.CreateMultipartUploadCommand(where)))
      const upload = { ...where, UploadId: UploadId! }
      const done: { PartNumber: number; ETag: string | undefined }[] = []
      for await (const bytes of cut(parts, Math.max(this.#partBytes, Math.ceil(size / MOST_PARTS)))) {
        const PartNumber = done.length + 1
        const { ETag } = await this.#client.send(
          new sdk.UploadPartCommand({ ...upload, PartNumber, Body: bytes, ContentLength: bytes.length }),
        )
        done.push({ PartNumber, ETag })
      }
      await this.#client.send(
        new sdk.CompleteMultipartUploadCommand({
          ...upload,
          MultipartUpload: { Parts: done },
          ...(conditional ? { IfNoneMatch: '*' } : {}),
        }),
      )
      return 'created'
    } catch (error) {
      if (UploadId !== undefined)
        await this.#client.send(new sdk.AbortMultipartUploadCommand({ ...where, UploadId })).catch(() => undefined)
      if (conditional && isTaken(error)) return 'exists'
      throw this.#fault(error, `cannot write ${name}`)
    }
  }

  async remove(name: string): Promise<void> {
    await this.#client.send(new this.#sdk.DeleteObjectCommand(this.#where(name))).catch((error: unknown) => {
      if (statusOf(error) !== 404) throw this.#fault(error, `cannot remove ${name}`)
    })
  }

  /** An answer means that the service has it. */
  async sync(): Promise<void> {}

  async close(): Promise<void> {
    this.#client.destroy()
  }

  #fault(error: unknown, what: string): LatentError {
    if (error instanceof LatentError) return error
    const { name } = error as Aws.S3ServiceException
    const status = statusOf(error)
    const reason =
      REASONS[name] ?? (status === undefined ? `${this.address} does not answer (${name})` : `${name}, ${status}`)
    // Without the cause: its request holds signed headers.
    return new StoreFault(kindOf(name, status), `${what}: ${reason}`)
  }
}

const REASONS: Readonly<Record<string, string>> = {
  NoSuchBucket: 'there is no such bucket',
  NoSuchKey: 'there is no such object',
  AccessDenied: 'access is denied',
  CredentialsProviderError: 'no credentials were found',
  InvalidAccessKeyId: 'the access key is unknown',
  SignatureDoesNotMatch: 'the secret key is wrong',
  ExpiredToken: 'the credentials have expired',
}

const DENIED = new Set(['CredentialsProviderError', 'InvalidAccessKeyId', 'SignatureDoesNotMatch', 'ExpiredToken'])

function kindOf(name: string, status: number | undefined): FaultKind {
  if (DENIED.has(name) || status === 401 || status === 403) return 'denied'
  if (name === 'NoSuchBucket') return 'refused'
  if (status === 404) return 'absent'
  if (status === 507) return 'full'
  if (status === undefined || status >= 500 || status === 408 || status === 429 || status === 409) return 'busy'
  return 'refused'
}

const statusOf = (error: unknown): number | undefined => (error as Aws.S3ServiceException).$metadata?.httpStatusCode

/** 412, or 409 where another conditional write of that name was under way. */
const isTaken = (error: unknown) => statusOf(error) === 412

async function* cut(parts: AsyncIterable<Uint8Array>, size: number): AsyncGenerator<Uint8Array> {
  let held: Uint8Array[] = []
  let bytes = 0
  for await (const part of parts) {
    for (let at = 0; at < part.length;) {
      const take = Math.min(part.length - at, size - bytes)
      held.push(part.slice(at, at + take))
      bytes += take
      at += take
      if (bytes < size) continue
      yield joinBytes(held)
      held = []
      bytes = 0
    }
  }
  if (bytes > 0) yield joinBytes(held)
}
