/** The frame of a self-contained page: markup and the style sheet. */

/** Markup that needs no escaping any more. */
export interface Markup {
  readonly markup: string
}

/** Takes text for markup as it is: nothing in it is escaped. Never for names or messages. */
export const raw = (markup: string): Markup => ({ markup })

type Part = Markup | string | number | undefined | false | readonly Part[]

/** Tagged template: everything put in is escaped unless it is markup already. */
export function html(strings: TemplateStringsArray, ...parts: readonly Part[]): Markup {
  return raw(strings.reduce((text, piece, i) => text + render(parts[i - 1]) + piece))
}

function render(part: Part): string {
  if (part === undefined || part === false) return ''
  if (typeof part === 'string') return escape(part)
  if (typeof part === 'number') return String(part)
  if ('markup' in part) return part.markup
  return part.map(render).join('')
}

const ESCAPES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' }
/** Text as HTML shows it, in elements and in quoted attributes. */
export const escape = (text: string): string => text.replaceAll(/[&<>"]/g, c => ESCAPES[c]!)

/** A whole page that needs nothing but itself. */
export function page(title: string, body: Markup): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="generator" content="latent lab">
<title>${escape(title)}</title>
<style>${STYLE}</style>
</head>
<body>
<main>
${body.markup}
</main>
</body>
</html>
`
}

const STYLE = `
:root {
  color-scheme: light dark;
  --paper: #ffffff; --panel: #f6f7f9; --ink: #1b1f26; --muted: #5a6372; --line: #d5dae2; --grid: #e9ecf1;
  --good: #17663a; --good-ground: #e2f3e8; --bad: #a11d2d; --bad-ground: #fbe3e4; --none: #646d7c; --accent: #2457c5;
  --series-1: #2457c5; --series-2: #c2410c; --series-3: #15803d; --series-4: #7e22ce; --series-5: #b08900;
    --series-6: #0e7490; --series-7: #be185d; --series-8: #57534e;
}
@media (prefers-color-scheme: dark) {
  :root {
    --paper: #14171c; --panel: #1c2027; --ink: #e6e9ee; --muted: #a0a9b8; --line: #39414d; --grid: #272d36;
    --good: #7fd6a0; --good-ground: #173524; --bad: #ff9aa2; --bad-ground: #47191e; --none: #929cac; --accent: #8ab0ff;
    --series-1: #7aa5ff; --series-2: #ff9a66; --series-3: #6fd292; --series-4: #c79bff; --series-5: #f3c06b;
      --series-6: #67d3e8; --series-7: #ff8fc0; --series-8: #c2bcb6;
  }
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink); font: 15px/1.5 system-ui, -apple-system, "Segoe UI",
  sans-serif; }
main { max-width: 1180px; margin: 0 auto; padding: 28px 24px 64px; }
h1 { font-size: 27px; line-height: 1.2; margin: 0 0 6px; letter-spacing: -0.01em; }
p, li, dd { overflow-wrap: anywhere; }
h2 { font-size: 19px; margin: 44px 0 8px; padding-top: 14px; border-top: 1px solid var(--line); }
h3 { font-size: 15.5px; margin: 0; }
p { margin: 6px 0 10px; max-width: 78ch; }
.lede { color: var(--muted); }
code { font: 0.92em ui-monospace, "Cascadia Mono", Menlo, monospace; }
a { color: var(--accent); }
.scroll { overflow-x: auto; margin: 10px 0 6px; }
table { border-collapse: collapse; font-size: 13px; font-variant-numeric: tabular-nums; }
th, td { padding: 4px 9px; border-bottom: 1px solid var(--line); text-align: left; vertical-align: top; }
thead th { border-bottom: 1.5px solid var(--muted); vertical-align: bottom; font-weight: 600; }
td.number, th.number { text-align: right; white-space: nowrap; }
tbody th { font-weight: 600; white-space: nowrap; }
tbody th small, td small { display: block; font-weight: 400; color: var(--muted); }
td.number small { font-size: 11px; }
.verdicts td, .verdicts thead th { text-align: center; vertical-align: middle; padding: 3px 0; width: 36px;
  min-width: 36px; }
.verdicts thead th { vertical-align: bottom; }
.verdicts thead th:first-child { text-align: left; }
.verdicts thead tr:last-child th:not(:first-child) { height: 168px; white-space: nowrap; }
.verdicts thead tr:last-child th span { writing-mode: vertical-rl; transform: rotate(180deg); font-weight: 400;
  font-size: 12px; }
.together thead th { vertical-align: bottom; }
.together thead th:not(:first-child) { height: 150px; white-space: nowrap; }
.together thead th span { writing-mode: vertical-rl; transform: rotate(180deg); font-weight: 400; font-size: 12px; }
.together td { text-align: right; font-variant-numeric: tabular-nums; min-width: 40px; }
.together tr.group th { padding-top: 10px; color: var(--muted); }
.notes { padding-left: 20px; }
.verdicts .group { border-left: 2px solid var(--line); }
.verdicts tbody th { padding-right: 14px; min-width: 250px; white-space: normal; }
.pass { color: var(--good); background: var(--good-ground); }
.fail { color: var(--bad); background: var(--bad-ground); font-weight: 700; }
.none { color: var(--none); }
.role { color: var(--muted); font-size: 12px; font-weight: 400; }
.cards { display: grid; grid-template-columns: minmax(0, 1fr); gap: 14px; }
.card { background: var(--panel); border: 1px solid var(--line); border-radius: 8px; padding: 12px 14px;
  break-inside: avoid; }
.strip { display: flex; flex-wrap: wrap; gap: 12px; align-items: flex-end; margin-top: 8px; }
figure { margin: 0; }
figcaption { font-size: 12px; color: var(--muted); margin-top: 3px; }
img { display: block; width: 168px; height: auto; image-rendering: pixelated; border: 1px solid var(--line); }
.absent { width: 168px; height: 126px; display: grid; place-items: center; color: var(--muted);
  border: 1px dashed var(--line); font-size: 13px; text-align: center; padding: 8px; }
svg { display: block; max-width: 100%; height: auto; }
.charts { display: flex; flex-wrap: wrap; gap: 18px; }
.legend { display: flex; flex-wrap: wrap; gap: 4px 18px; font-size: 13px; margin: 8px 0; padding: 0; list-style: none; }
.legend i { display: inline-block; width: 18px; height: 3px; vertical-align: middle; margin-right: 6px; }
.claims td:nth-child(2) { white-space: nowrap; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: 2px 16px; font-size: 14px; margin: 12px 0; }
dt { color: var(--muted); }
dd { margin: 0; }
footer { margin-top: 48px; color: var(--muted); font-size: 13px; border-top: 1px solid var(--line); padding-top: 12px; }
details { margin: 6px 0; }
summary { cursor: pointer; font-weight: 600; padding: 4px 0; }
summary .role { margin-left: 6px; }
@media (max-width: 640px) {
  main { padding: 18px 14px 48px; }
  h1 { font-size: 23px; }
  dl { grid-template-columns: 1fr; gap: 0; }
  dd { margin-bottom: 6px; }
  .card { padding: 8px 10px; }
  th, td { padding: 4px 6px; }
  /* The name of a scheme takes a line of its own, so that the marks are on the screen and not behind it. */
  .verdicts, .verdicts thead, .verdicts tbody { display: block; }
  .verdicts tr { display: grid; grid-template-columns: repeat(19, minmax(0, 1fr)); }
  .verdicts thead tr:first-child { display: none; }
  .verdicts thead th:first-child, .verdicts tbody th { grid-column: 1 / -1; min-width: 0; border-bottom: 0;
    padding: 8px 0 2px; }
  .verdicts tbody th small { display: inline; margin-left: 6px; }
  .verdicts td, .verdicts thead th { width: auto; min-width: 0; }
  .verdicts thead tr { position: sticky; top: 0; background: var(--paper); }
  .verdicts thead tr:last-child th:not(:first-child) { height: 190px; display: grid; justify-content: center;
    align-content: end; }
  .verdicts thead tr:last-child th span { font-size: 11px; }
  /* The names of tests stay in sight while schemes are moved past them. */
  .together tbody tr:not(.group) th { position: sticky; left: 0; background: var(--paper); white-space: normal;
    min-width: 118px; max-width: 118px; font-size: 11px; line-height: 1.25; }
  .visible tbody th { white-space: normal; width: 42%; font-size: 12px; }
  .visible td { font-size: 12px; }
  .together td { font-size: 11px; padding: 4px 4px; min-width: 34px; }
  .together thead th:first-child { position: sticky; left: 0; background: var(--paper); }
  .strip { gap: 8px; display: grid; grid-template-columns: repeat(3, minmax(0, 1fr)); align-items: start; }
  .strip img, .strip .absent { width: 100%; }
  .strip .absent { height: auto; aspect-ratio: 4 / 3; padding: 2px; font-size: 11px; }
  figcaption { font-size: 11px; line-height: 1.25; }
  .claims, .claims thead, .claims tbody { display: block; }
  .claims thead { display: none; }
  .claims tr { display: block; border-bottom: 1px solid var(--line); padding: 6px 0; }
  .claims th, .claims td { display: block; border: 0; padding: 1px 0; }
  .claims th, .claims td:nth-child(2) { display: inline-block; padding: 1px 6px 1px 0; }
  .claims td:nth-child(2) { padding: 1px 6px; }
  .claims td:nth-child(4)::before { content: "not: "; color: var(--muted); }
}
@page { size: A4 landscape; margin: 11mm; }
@media print {
  :root { --paper: #fff; --panel: #fff; --ink: #000; --muted: #444; --line: #bbb; --grid: #ddd; --good: #17663a;
    --good-ground: #e2f3e8; --bad: #a11d2d; --bad-ground: #fbe3e4; --none: #666; --accent: #1d4ea8;
    --series-1: #2457c5; --series-2: #c2410c; --series-3: #15803d; --series-4: #7e22ce; --series-5: #b08900;
      --series-6: #0e7490; --series-7: #be185d; --series-8: #57534e; }
  body { font-size: 10.5pt; print-color-adjust: exact; -webkit-print-color-adjust: exact; }
  main { max-width: none; padding: 0; }
  .scroll { overflow: visible; }
  table { font-size: 7.5pt; }
  th, td { padding: 2px 5px; }
  td.number small, td small, tbody th small { font-size: 6.5pt; }
  .verdicts td, .verdicts thead th { width: 27px; min-width: 27px; }
  tr, .card, figure { break-inside: avoid; }
  img, .absent { width: 110px; }
  .absent { height: 82px; }
  h2 { break-after: avoid; }
  details::details-content { content-visibility: visible; height: auto; }
}
`
