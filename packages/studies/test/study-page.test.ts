import { expect, test } from 'vitest'
import { pageMarkdown, renderStudy, type StudyFigure, type StudyPage } from '../src/index.ts'

const figure = (name: string): StudyFigure => ({ name, caption: `What ${name} shows`, svg: `<svg id="${name}"></svg>` })
const PAGE: StudyPage = {
  title: 'A page',
  intro: ['First words.'],
  lead: 'best',
  sections: [
    { heading: 'One', text: ['Text.'], figures: [figure('other'), figure('best')] },
    { heading: 'Two', text: [], tables: [{ columns: ['a'], rows: [[1]] }] },
  ],
}
const places = (text: string, parts: readonly string[]) => parts.map(part => text.indexOf(part))

test('the figure that leads stands behind the introduction, once, and the others in their sections', () => {
  for (const [text, parts] of [
    [pageMarkdown(PAGE, 'c'), ['First words.', '(best.svg)', '## One', '(other.svg)', '## Two']],
    [renderStudy(PAGE, 'c'), ['First words.', 'id="best"', '>One<', 'id="other"', '>Two<']],
  ] as const) {
    const found = places(text, parts)
    expect(found).toEqual(found.toSorted((a, b) => a - b))
    expect([found[0]! > 0, text.split(parts[1]).length]).toEqual([true, 2])
  }
})

test('a section that held nothing but the figure that leads is left out; without a lead all stays', () => {
  const alone: StudyPage = { ...PAGE, sections: [{ heading: 'Pictures', text: [], figures: [figure('best')] }] }
  expect(pageMarkdown(alone, 'c')).not.toContain('Pictures')
  const { lead: _, ...plain } = PAGE
  expect(pageMarkdown(plain, 'c').indexOf('## One')).toBeLessThan(pageMarkdown(plain, 'c').indexOf('(best.svg)'))
})
