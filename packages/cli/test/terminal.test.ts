import fc from 'fast-check'
import { spawn } from 'node:child_process'
import { describe, expect, test } from 'vitest'
import { Pace, timeLeft } from '../src/progress.ts'
import { errorLines, formatTable, jsonLine, shown, visible, visibleLines } from '../src/terminal.ts'

// oxlint-disable-next-line no-control-regex
const DANGEROUS = /[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]/u

describe('foreign text on a terminal', () => {
  test.each([
    ['\u001b[2J\u001b[1;1Hall is well\r', '\\x1b[2J\\x1b[1;1Hall is well\\r'],
    ['\u001b]0;title\u0007', '\\x1b]0;title\\x07'],
    ['two\nlines', 'two\\nlines'],
    ['a\tb', 'a\\tb'],
    ['\u009b31mred', '\\u009b31mred'],
    ['photo\u202egpj.exe', 'photo\\u202egpj.exe'],
    ['\u2066isolated\u2069', '\\u2066isolated\\u2069'],
    ['backspace\b\u007f', 'backspace\\x08\\x7f'],
    ['b\udce4r.jpg', 'b\\xe4r.jpg'],
    ['half \ud83d', 'half \\ud83d'],
    ['line\u2028separator', 'line\\u2028separator'],
    ['Фото 写真 📷 é e\u0301 שלום.heic', 'Фото 写真 📷 é e\u0301 שלום.heic'],
    ['C:\\new\\table.jpg', 'C:\\new\\table.jpg'],
  ])('%j is shown as %j', (text, expected) => {
    expect(visible(text)).toBe(expected)
  })

  test('nothing that drives a terminal is left, whatever comes in and whichever way out it takes', () => {
    const nasty = fc.string({
      unit: fc.oneof(
        fc.integer({ min: 0, max: 0x9f }).map(code => String.fromCodePoint(code)),
        fc.constantFrom('\u202e', '\u2067', '\u2069', '\ud800', '\udc9b', '字'),
      ),
    })
    fc.assert(
      fc.property(nasty, text => {
        expect(visible(text)).not.toMatch(DANGEROUS)
        expect(visible(text)).not.toContain('\n')
        expect(shown`${text}`).toBe(visible(text))
        expect(errorLines({ message: text, code: 'E_IO', hint: text }).split('\n').length).toBe(2)
        expect(formatTable([['name'], [text]])).not.toMatch(DANGEROUS)
        const json = jsonLine({ [text]: text })
        expect(json).not.toMatch(DANGEROUS)
        expect(JSON.parse(json)).toEqual(JSON.parse(JSON.stringify({ [text]: text })))
      }),
      { numRuns: 300 },
    )
  })

  test('text of several lines keeps its lines; a template keeps what is its own', () => {
    expect(visibleLines('a\u001b\nb')).toBe('a\\x1b\nb')
    expect(shown`report: ${'a\nb'}\n${7}\n`).toBe('report: a\\nb\n7\n')
  })
})

describe('the time that is left', () => {
  test.each([
    [100, 50, 10, ', 5.0 s left'],
    [100, 99.9, 10, ', finishing'],
    [100, 100, 10, ', finishing'],
    [100, 120, 10, ', finishing'],
    [100, 50, 0, ''],
    [0, 0, 0, ''],
    [1e9, 1, 1e3, ', 11 d 13 h left'],
  ])('of %d units, %d done at %d a second: %j', (total, done, rate, expected) => {
    expect(timeLeft(total, done, rate)).toBe(expected)
  })

  test('is never told as nothing', () => {
    fc.assert(
      fc.property(
        fc.double({ min: 1, max: 1e12, noNaN: true }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        fc.double({ min: 0, max: 1e9, noNaN: true }),
        (total, share, rate) => {
          expect(timeLeft(total, total * share, rate)).not.toMatch(/, 0(\.\d+)? s left/)
        },
      ),
    )
  })

  test('goes by how fast the work was lately: a thousand skipped files do not count for ever', () => {
    const pace = new Pace(0)
    let done = 1_000_000
    expect(pace.rate(1000, done)).toBe(1_000_000)
    for (let now = 2000; now <= 60_000; now += 1000) pace.rate(now, (done += 100))
    expect(pace.rate(60_000, done)).toBeCloseTo(100, 0)
    // Nothing comes in any more.
    let rate = 0
    for (let now = 61_000; now <= 120_000; now += 1000) rate = pace.rate(now, done)
    expect(rate).toBe(0)
  })
})

test('lines for a reader that has left are no longer made, and that is no defect', async () => {
  const program = `
    import { writeLines } from ${JSON.stringify(new URL('../src/terminal.ts', import.meta.url).href)}
    process.stdout.on('error', () => {})
    let made = 0
    function* lines() { while (made < 200_000) yield \`line \${++made}\\n\` }
    await writeLines(lines())
    console.error(made)`
  const child = spawn(process.execPath, ['--input-type=module', '--eval', program], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let told = ''
  child.stderr.on('data', (part: Buffer) => void (told += part.toString()))
  child.stdout.once('data', () => void child.stdout.destroy())
  const code = await new Promise(done => child.on('close', done))
  expect({ code, ended: Number(told) < 200_000 && Number(told) > 0 }).toEqual({ code: 0, ended: true })
})
