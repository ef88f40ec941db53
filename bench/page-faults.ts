/**
 * What is wrong with the page that it runs in, one sentence each: wider than the window, faint text (WCAG 2.2, 1.4.3:
 * 4.5 to 1, and 3 to 1 from 24 pixels on), pictures without words. It is sent to the page as text, and so stands alone.
 */
export function faultsOfPage(): string[] {
  type Colour = readonly [r: number, g: number, b: number, a: number]
  const faults: string[] = []

  const { scrollWidth } = document.documentElement
  if (scrollWidth > window.innerWidth + 1) {
    const widest = [...document.querySelectorAll('body *')]
      .filter(element => element.getBoundingClientRect().right > window.innerWidth + 1 && !isScrolled(element))
      .map(element => element.outerHTML.slice(0, 80))
    faults.push(`it is ${scrollWidth} pixels wide: ${widest.at(-1) ?? ''}`)
  }

  for (const picture of document.querySelectorAll('img'))
    if (!picture.hasAttribute('alt') || picture.alt.trim() === '') faults.push(`no words for ${picture.src.slice(-60)}`)
  for (const picture of document.querySelectorAll('svg'))
    if (
      picture.getBoundingClientRect().width > 60 &&
      !picture.closest('[aria-hidden=true]') &&
      !picture.hasAttribute('aria-label') &&
      !picture.hasAttribute('aria-labelledby') &&
      picture.querySelector('title') === null
    )
      faults.push(`no words for a drawing of ${Math.round(picture.getBoundingClientRect().width)} pixels`)

  const faint = new Map<string, string>()
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT)
  while (walker.nextNode()) {
    const text = walker.currentNode.nodeValue?.trim() ?? ''
    const element = walker.currentNode.parentElement
    if (text === '' || !element || !isShown(element) || element.closest('script, style, noscript')) continue
    const style = getComputedStyle(element)
    const behind = backgroundOf(element)
    if (!behind) continue
    const own = parse(element instanceof SVGElement ? style.fill : style.color)
    const front = over([own[0], own[1], own[2], own[3] * opacityOf(element)], behind)
    const size = Number.parseFloat(style.fontSize)
    const isLarge = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700)
    const found = contrast(front, behind)
    if (found < (isLarge ? 3 : 4.5) - 0.005)
      faint.set(
        `${front.join()} ${behind.join()}`,
        `contrast ${found.toFixed(2)}: "${text.slice(0, 40)}" (${element.tagName.toLowerCase()})`,
      )
  }
  return [...faults, ...faint.values()]

  function isScrolled(element: Element): boolean {
    for (let at = element.parentElement; at; at = at.parentElement)
      if (['auto', 'scroll', 'hidden', 'clip'].includes(getComputedStyle(at).overflowX)) return true
    return false
  }
  function isShown(element: Element): boolean {
    const { width, height, right } = element.getBoundingClientRect()
    return (
      width > 1 &&
      height > 1 &&
      right > 0 &&
      element.checkVisibility({ opacityProperty: true, visibilityProperty: true })
    )
  }
  function opacityOf(element: Element): number {
    let opacity = 1
    for (let at: Element | null = element; at; at = at.parentElement) opacity *= Number(getComputedStyle(at).opacity)
    return opacity
  }
  /** Undefined where a picture lies behind. */
  function backgroundOf(element: Element): Colour | undefined {
    const layers: Colour[] = []
    for (let at: Element | null = element; at; at = at.parentElement) {
      const { backgroundColor, backgroundImage } = getComputedStyle(at)
      if (backgroundImage !== 'none') return undefined
      layers.push(parse(backgroundColor))
      if (layers.at(-1)![3] === 1) break
    }
    const canvas: Colour =
      matchMedia('(prefers-color-scheme: dark)').matches && isDarkCanvas() ? [18, 18, 18, 1] : [255, 255, 255, 1]
    return layers.reduceRight((behind, layer) => over(layer, behind), canvas)
  }
  function isDarkCanvas(): boolean {
    return getComputedStyle(document.documentElement).colorScheme.includes('dark')
  }
  /** Any colour of CSS, as a canvas of one pixel shows it. */
  function parse(colour: string): Colour {
    const numbers = /^rgba?\(([\d.]+), ([\d.]+), ([\d.]+)(?:, ([\d.]+))?\)$/.exec(colour)
    if (numbers) return [Number(numbers[1]), Number(numbers[2]), Number(numbers[3]), Number(numbers[4] ?? 1)]
    const context = document.createElement('canvas').getContext('2d')!
    context.fillStyle = colour
    context.fillRect(0, 0, 1, 1)
    const [r, g, b, a] = context.getImageData(0, 0, 1, 1).data
    return [r!, g!, b!, a! / 255]
  }
  function over([r, g, b, a]: Colour, [br, bg, bb]: Colour): Colour {
    return [r * a + br * (1 - a), g * a + bg * (1 - a), b * a + bb * (1 - a), 1]
  }
  function luminance([r, g, b]: Colour): number {
    const linear = (value: number) => (value <= 10.31475 ? value / 255 / 12.92 : ((value / 255 + 0.055) / 1.055) ** 2.4)
    return 0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b)
  }
  function contrast(a: Colour, b: Colour): number {
    const [light, dark] = [luminance(a), luminance(b)].toSorted((x, y) => y - x)
    return (light! + 0.05) / (dark! + 0.05)
  }
}
