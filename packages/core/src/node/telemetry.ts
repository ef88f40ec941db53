import { isMainThread } from 'node:worker_threads'

/**
 * ONNX Runtime's native library, left to itself, stores an identifier of the machine in the user's home
 * and reports to a host of its maker. It reads this variable once, as it starts; for good.
 */
const SWITCH = 'ORT_DISABLE_TELEMETRY'

let silent: boolean | undefined

/**
 * Keeps the native library from reporting. To be called before it is loaded, and by whoever starts worker
 * threads that will load it: a thread cannot change the environment of its process, only its copy of it.
 * @returns whether the native library may be loaded here
 */
export function forbidTelemetry(): boolean {
  process.env[SWITCH] = '1'
  silent ??= isMainThread || processEnvironment()[SWITCH] === '1'
  return silent
}

/** What native code of this process sees, which `process.env` of a thread does not tell. */
function processEnvironment(): Readonly<Record<string, string | undefined>> {
  const report = process.report as typeof process.report & { excludeNetwork: boolean }
  const { excludeNetwork } = report
  // Naming the network's hosts would look them up.
  report.excludeNetwork = true
  try {
    return (report.getReport() as { environmentVariables?: Record<string, string> }).environmentVariables ?? {}
  } finally {
    report.excludeNetwork = excludeNetwork
  }
}
