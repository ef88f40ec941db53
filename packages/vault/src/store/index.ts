export { CountingStore, type Requests } from './counting.ts'
export { MemoryStore } from './memory.ts'
export { type Patience, RetryingStore } from './retrying.ts'
export {
  bodyOfBytes,
  type ByteRange,
  checkFolder,
  checkName,
  exactly,
  type FaultKind,
  type ObjectBody,
  type ObjectInfo,
  readObject,
  type Store,
  StoreFault,
} from './store.ts'
