// The most memory a seal and an open of one large file take: argument 1 is its size in MiB (1024).
import { spawn, spawnSync } from 'node:child_process'
import { createHash, randomFillSync } from 'node:crypto'
import { closeSync, createReadStream, mkdtempSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const latent = join(import.meta.dirname, '../packages/cli/bin/latent.js')

export default async function run([mebibytes = '1024']: readonly string[]): Promise<void> {
  if (process.platform !== 'linux') return console.log('needs /proc (Linux)')
  const folder = mkdtempSync(join(tmpdir(), 'latent-memory-'))
  try {
    const [plain, key] = [join(folder, 'large.bin'), join(folder, 'key')]
    const file = openSync(plain, 'w')
    const part = new Uint8Array(1 << 20)
    for (let i = 0; i < Number(mebibytes); i++) writeSync(file, randomFillSync(part))
    closeSync(file)
    spawnSync(process.execPath, [latent, 'keygen', '-o', key])
    const sealed = await peak(['seal', plain, '-o', join(folder, 'sealed'), '-i', key])
    const opened = await peak(['open', join(folder, 'sealed'), '-o', join(folder, 'opened'), '-i', key])
    const same = (await hash(plain)) === (await hash(join(folder, 'opened/large.bin')))
    console.log(
      `${mebibytes} MiB: seal at most ${sealed} MB resident, open ${opened} MB; opened ` +
        `file ${same ? 'equal' : 'DIFFERENT'}`,
    )
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** Highest resident size of a process in MB (10^6 bytes), which the kernel keeps as VmHWM. */
function peak(args: readonly string[]): Promise<number> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [latent, ...args], { stdio: 'ignore' })
    let highest = 0
    const timer = setInterval(() => {
      try {
        highest = Math.max(
          highest,
          Number(/VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${child.pid}/status`, 'utf8'))?.[1] ?? 0),
        )
      } catch {
        // Ended between two looks.
      }
    }, 200)
    child.on('close', code => {
      clearInterval(timer)
      if (code === 0) resolve(Math.round((highest * 1024) / 1e6))
      else reject(new Error(`latent ${args[0]} ended with ${code}`))
    })
  })
}

async function hash(path: string): Promise<string> {
  const sha256 = createHash('sha256')
  for await (const part of createReadStream(path)) sha256.update(part as Buffer)
  return sha256.digest('hex')
}
