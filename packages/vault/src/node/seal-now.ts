import { toHex } from '@latent/core'
import { openSteady } from '@latent/core/node'
import { join } from 'node:path'
import { looksSealed } from '../salvage.ts'
import { alongside, releasing } from '../streams.ts'
import type { Found } from './discover.ts'
import type { Entry } from './journal-state.ts'
import { albumMark, hashing, isSettled, publishSealed, type Source, sourceMarks } from './publish-sealed.ts'
import { counted, type FileResult, stopIfAborted } from './run.ts'
import type { SealContext, SealRun } from './seal-run.ts'
import { WHOLE_BYTES } from './seal-whole.ts'
import { checkSealed, type PreparedSource, prepareSource, type SealingOptions } from './source-file.ts'
import type { TargetState } from './target-state.ts'

/** Seals a file into its place: nothing is there, or what `state` found to be ours. */
export async function sealNow(
  context: SealContext,
  file: Found,
  target: string,
  state: TargetState,
): Promise<FileResult> {
  const started = performance.now()
  const done = (await sealByThread(context, file, target, state)) ?? (await sealHere(context, file, target, state))
  const path = join(context.run.output, target)
  if (done === 'sealed already') return skip(context.run, file, path, 'it is a sealed file already')
  const { notes, plainBytes, sealedBytes } = done
  return {
    source: file.source,
    target: path,
    status: 'done',
    ...(notes.length > 0 ? { note: notes.join('; ') } : {}),
    plainBytes,
    sealedBytes,
    seconds: (performance.now() - started) / 1000,
  }
}

/** What became of a file that was sealed now. */
type Done = Pick<PreparedSource, 'notes'> & { readonly plainBytes: number; readonly sealedBytes: number }

const howOf = ({ run }: SealContext): SealingOptions => ({
  album: run.album,
  body: run.body,
  padding: run.padding ?? 'none',
  hideNames: run.hideNames,
})

/** @returns `undefined` where no thread takes it: it is large, or there is too little to do for threads */
async function sealByThread(
  context: SealContext,
  file: Found,
  target: string,
  state: TargetState,
): Promise<Done | 'sealed already' | undefined> {
  const { run } = context
  const { source, relative, size } = file
  if (size > WHOLE_BYTES) return undefined
  const made = await run.fileThreads?.seal({ source, relative, size, how: howOf(context), check: run.check !== false })
  stopIfAborted(run.signal)
  if (made === undefined || made === 'too large') return undefined
  if (made === 'sealed already') return made
  const { info, notes, png, nonce, content, sha256 } = made
  const entry = { target, nonce: toHex(nonce) }
  const facts = () => factsOf(context, { relative, info }, entry, content)
  const sealedBytes = await publishSealed(
    context,
    entry,
    [png],
    { size: png.length, sha256: () => sha256 },
    facts,
    state,
  )
  run.watcher?.progress?.(source, Number(info.size))
  return { notes, plainBytes: Number(info.size), sealedBytes }
}

async function sealHere(
  context: SealContext,
  file: Found,
  target: string,
  state: TargetState,
): Promise<Done | 'sealed already'> {
  const { run } = context
  const source = await openSteady(file.source)
  try {
    const first = (await source.parts.next()).value ?? new Uint8Array(0)
    if (looksSealed(first)) return 'sealed already'
    const { info } = source
    const { sealing, notes } = await prepareSource(howOf(context), file, info, first, run.flows)
    const entry = { target, nonce: toHex(sealing.nonce) }
    let content: Uint8Array = new Uint8Array(0)
    const parts = releasing(joined(first, source.parts))
    const plain = counted(parts, bytes => run.watcher?.progress?.(file.source, bytes), run.signal)
    const made = sealing.png(plain, sha256 => (content = sha256))
    const png = run.check === false ? made : alongside(made, copy => checkSealed(run.album, copy, run.flows))
    const facts = () => factsOf(context, { relative: file.relative, info }, entry, content)
    const sealedBytes = await publishSealed(context, entry, ...hashing(png, sealing.size), facts, state)
    return { notes, plainBytes: Number(info.size), sealedBytes }
  } finally {
    await source.parts.return(undefined)
    await source.close()
  }
}

/** What the journal is told of a file once all of it was read. */
function factsOf(
  context: SealContext,
  source: Source,
  entry: Pick<Entry, 'target' | 'nonce'>,
  content: Uint8Array,
): Partial<Entry> {
  const marks = sourceMarks(context, source)
  return {
    ...marks,
    album: albumMark(context.journal, context.run.album.key),
    seen: isSettled(source.info) ? marks.seen : '',
    content: context.journal.contentMark(entry, toHex(content)),
  }
}

async function* joined(first: Uint8Array, rest: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  if (first.length > 0) yield first
  yield* rest
}

/** The result of a file that is left as it is. */
export function skip({ watcher }: SealRun, { source, size }: Found, target: string, reason: string): FileResult {
  watcher?.progress?.(source, size)
  return { source, target, status: 'skipped', reason, plainBytes: size }
}
