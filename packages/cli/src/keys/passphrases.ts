import { LatentError } from '@latent/core'
import { parsePassphraseFile, type PassphraseFile, sealingPassphrase, strengthOf } from '@latent/vault'
import { readKeyInput, warnIfExposed } from './input.ts'
import type { Warn } from './warnings.ts'

/** Whether somebody can be asked: keyboard and error output are a terminal. */
export const onTerminal = (): boolean => process.stdin.isTTY && process.stderr.isTTY

/** Asks for a passphrase without showing it. @throws E_KEY if none was typed */
export async function ask(message: string): Promise<string> {
  const { isCancel, password } = await import('@clack/prompts')
  const answer = await password({ message, output: process.stderr })
  if (isCancel(answer) || answer === undefined)
    throw new LatentError('E_KEY', 'no passphrase was given', { hint: 'type one, or give --passphrase-file' })
  return answer
}

/** The first line of a file, with warnings where the file is exposed or has more lines. @throws E_IO; E_KEY */
export async function readPassphraseFile(path: string, warn: Warn): Promise<PassphraseFile> {
  const input = await readKeyInput(path)
  warnIfExposed(input, warn)
  const file = parsePassphraseFile(input.bytes, input.name)
  if (file.more)
    warn({
      code: 'W_PASSPHRASE_LINES',
      message: `${input.name} has more than one line, and the first alone is the passphrase`,
      hint: 'take the others out',
    })
  return file
}

/** A passphrase to seal with: from a file, or asked for twice. @throws E_KEY for one that is no text, or too weak */
export async function newPassphrase(
  path: string | undefined,
  { weak, warn }: { weak: boolean; warn: Warn },
): Promise<string> {
  if (path === undefined) {
    const passphrase = await checked(await ask('Passphrase'), weak, warn)
    if (passphrase !== sealingPassphrase(await ask('The same again')))
      throw new LatentError('E_KEY', 'the two passphrases differ', { hint: 'run it again and type both alike' })
    return passphrase
  }
  const { passphrase, problem } = await readPassphraseFile(path, warn)
  if (passphrase === undefined) throw problem!
  return checked(passphrase, weak, warn)
}

async function checked(given: string, weak: boolean, warn: Warn): Promise<string> {
  const passphrase = sealingPassphrase(given)
  if (passphrase !== passphrase.trim())
    warn({
      code: 'W_PASSPHRASE_SPACES',
      message: 'the passphrase begins or ends with a space',
      hint: 'spaces count: it has to be given with them again',
    })
  const hint = 'latent keygen --passphrase -o FILE draws ten words; keep them'
  const { guesses, verdict } = await strengthOf(passphrase)
  if (verdict === 'refused' && !weak)
    throw new LatentError('E_KEY', `the passphrase is too weak: it would be found in about ${guesses} guesses`, {
      hint: `${hint}, or --weak-passphrase seals all the same`,
    })
  if (verdict !== 'strong')
    warn({
      code: 'W_PASSPHRASE_WEAK',
      message:
        `the passphrase is weak: it would be found in about ${guesses} guesses, and whoever has a sealed file ` +
        'can try as many as their machines allow',
      hint,
    })
  return passphrase
}

/** What to open with. A file that is no text is tried as release 0.1.0 read it. */
export async function knownPassphrases(
  path: string,
  warn: Warn,
): Promise<{ passphrases: string[]; formerPassphrases: string[]; onFormer: () => void }> {
  const { passphrase, problem, former } = await readPassphraseFile(path, warn)
  if (passphrase === undefined && former === undefined) throw problem!
  if (problem)
    warn({
      code: 'W_PASSPHRASE_FORM',
      message: `${problem.message}; it is tried only as release 0.1.0 read it`,
      hint: problem.hint ?? 'give the passphrase as UTF-8',
    })
  return {
    passphrases: passphrase === undefined ? [] : [passphrase],
    formerPassphrases: former === undefined ? [] : [former],
    onFormer: () =>
      warn({
        code: 'W_PASSPHRASE_FORM',
        message:
          'opened in the form in which release 0.1.0 read this passphrase file: other bytes in place of those ' +
          'that are no UTF-8 open it too',
        hint: 'seal these files again with a passphrase that is text, and delete the old ones',
      }),
  }
}

/** The passphrase of an encrypted identity, from a file. @throws E_IO; E_KEY */
export async function identityPassphrase(path: string, warn: Warn): Promise<string> {
  const { passphrase, problem } = await readPassphraseFile(path, warn)
  if (passphrase === undefined) throw problem!
  return passphrase
}
