export { machineSecret } from './machine-secret.ts'
export { hashOf } from './target-state.ts'
export { discover, type Discovery, type Found, type PassedOver } from './discover.ts'
export { type Entry, JournalState } from './journal-state.ts'
export { type Listed, listFiles, type ListRun } from './list-files.ts'
export { openFiles, verifyFiles } from './open-files.ts'
export type { OpenRun } from './open-run.ts'
export { safeName } from './opened-names.ts'
export { isOwnFile, isReservedName, JOURNAL, ROBUST_JOURNAL } from './own-files.ts'
export {
  type EnvelopeGroup,
  type FolderRecipients,
  folderRecipients,
  lockNameOf,
  rewrapFiles,
  type RewrapRun,
} from './rewrap-files.ts'
export * from './run.ts'
export { inTurn, sealFiles } from './seal-files.ts'
export type { SealRun } from './seal-run.ts'
export { noticeEmpty } from './remarks.ts'
export { foldersFrom, isGone, notOurs, pruneStale, type Stale } from './stale.ts'
export { foldedName, plainFolder, sealedName } from './sealed-names.ts'
export { DavStore, type DavPlace } from '../store/dav.ts'
export { FolderStore } from '../store/folder.ts'
export { isStoreAddress, openStore } from '../store/open-store.ts'
export { openS3, type S3Place } from '../store/s3.ts'
export { addFiles, type AddRun } from '../vault/node/add.ts'
export type { Crew } from '../vault/node/crew.ts'
export { type Batch, type BatchOutcome, type Task, type Workplace } from '../vault/node/batch.ts'
export { openQueue, parseQueueAddress, type QueueConnection } from '../vault/node/queue/connection.ts'
export { QueueCrew, type QueueCrewOptions } from '../vault/node/queue/queue-crew.ts'
export { runWorker, type WorkerRun, type WorkerTold } from '../vault/node/queue/worker.ts'
export type { KeyFacts, Setup } from '../vault/node/sandbox/messages.ts'
export { SandboxEnded, type SandboxPlace, type SandboxWatcher } from '../vault/node/sandbox/sandbox.ts'
export { Sandboxes, type SandboxesOptions } from '../vault/node/sandbox/sandboxes.ts'
export { type SandboxTools, serveBatches } from '../vault/node/sandbox/serve.ts'
export { ThreadCrew, type ThreadCrewOptions } from '../vault/node/sandbox/thread-crew.ts'
export { albumFolder, getFiles, type GetRun, verifyVault, type VerifyRun } from '../vault/node/get.ts'
