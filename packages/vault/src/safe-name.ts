import { rawByte } from '@latent/core'

// Controls, and marks that turn the direction of writing: `photo\u202egpj.exe` reads as `photoexe.jpg`.
// oxlint-disable-next-line no-control-regex
const MISLEADING = /[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]/g

/**
 * A name without what could drive a terminal, read as another name, or be the folder above: underscores stand for it.
 */
export const spelledName = (name: string): string =>
  /^\.\.?$/.test(name) ? '_'.repeat(name.length) : name.replaceAll(MISLEADING, '_')

/** A name as Windows takes it, and with it every system of today. */
export function windowsName(name: string): string {
  const plain = Array.from(name, char => (rawByte(char) === undefined ? char : '_'))
    .join('')
    .replaceAll(/[\\/:*?"<>|]/g, '_')
    .replace(/[. ]$/, '_')
  // Devices keep their meaning with any extension, and with spaces in front of its dot.
  return /^(?:con|prn|aux|nul|conin\$|conout\$|(?:com|lpt)[0-9\u00b9\u00b2\u00b3])$/i.test(
    plain.split('.')[0]!.trimEnd(),
  )
    ? `_${plain}`
    : plain
}
