/** The charts as one SVG picture, a panel a provider, the same time axis for all. */
import { peak, type Chart } from './chart.ts';

const WIDTH = 900;
const LEFT = 70;
const RIGHT = 30;
const HEAD = 70;
const PANEL = 130;
const BARS = 80;
const FOOT = 45;

export function svg(title: string, subtitle: string, charts: readonly Chart[]): string {
  const height = HEAD + PANEL * charts.length + FOOT;
  const parts = [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${height}" ` +
      `viewBox="0 0 ${WIDTH} ${height}" font-family="DejaVu Sans, Verdana, sans-serif" ` +
      `font-size="13" fill="#222">`,
    `<rect width="${WIDTH}" height="${height}" fill="#fff"/>`,
    text(LEFT, 28, title, 'font-size="18" font-weight="bold"'),
    text(LEFT, 50, subtitle, 'fill="#555"'),
    ...charts.flatMap((one, index) => panel(one, HEAD + PANEL * index)),
  ];
  const last = charts.at(-1);
  if (last !== undefined) parts.push(...times(last, HEAD + PANEL * charts.length));
  return `${parts.join('\n')}\n</svg>\n`;
}

function panel(one: Chart, top: number): readonly string[] {
  const base = top + PANEL - 15;
  const most = peak(one) * 1.08;
  const width = (WIDTH - LEFT - RIGHT) / one.columns.length;
  const y = (count: number) => base - (count / most) * BARS;
  const bar = (column: number, from: number, count: number, colour: string) =>
    `<rect x="${n(LEFT + column * width)}" y="${n(y(from + count))}" ` +
    `width="${n(Math.max(1, width - 1))}" height="${n((count / most) * BARS)}" fill="${colour}"/>`;
  const parts = [
    text(LEFT, base - BARS - 8, one.name, 'font-weight="bold"'),
    text(WIDTH - RIGHT, base - BARS - 8, one.limitText, 'text-anchor="end" fill="#b35900"'),
  ];
  one.columns.forEach(({ accepted, refused }, column) => {
    if (accepted > 0) parts.push(bar(column, 0, accepted, '#3b7dd8'));
    if (refused > 0) parts.push(bar(column, accepted, refused, '#c62828'));
  });
  const limitY = n(y(one.limit));
  parts.push(
    `<line x1="${LEFT}" y1="${base}" x2="${WIDTH - RIGHT}" y2="${base}" stroke="#888"/>`,
    `<line x1="${LEFT}" y1="${limitY}" x2="${WIDTH - RIGHT}" y2="${limitY}" ` +
      `stroke="#e67300" stroke-width="1.5" stroke-dasharray="6 4"/>`,
    ...labels(one, y).map(([at, label]) =>
      text(LEFT - 8, at, label, 'text-anchor="end" fill="#555" font-size="11"'),
    ),
  );
  return parts;
}

/** Numbers at the side: zero, the limit, and the peak where it stands clear of both. */
function labels(one: Chart, y: (count: number) => number): readonly [number, string][] {
  const clear = 13;
  const found: [number, string][] = [[y(0) + 4, '0']];
  for (const count of [one.limit, peak(one)]) {
    const at = y(count) + 4;
    if (found.every(([other]) => Math.abs(other - at) >= clear)) found.push([at, String(count)]);
  }
  return found;
}

function times(one: Chart, top: number): readonly string[] {
  const seconds = (one.columns.length * one.columnMs) / 1000;
  const step = [1, 2, 5, 10, 20, 30, 60, 120, 300].find((each) => seconds / each <= 12) ?? 600;
  const parts: string[] = [];
  for (let at = 0; at <= seconds; at += step) {
    const x = LEFT + (at / seconds) * (WIDTH - LEFT - RIGHT);
    parts.push(text(n(x), top + 4, String(at), 'text-anchor="middle" fill="#555" font-size="11"'));
  }
  const middle = (LEFT + WIDTH - RIGHT) / 2;
  parts.push(text(middle, top + 26, 'seconds since the @all', 'text-anchor="middle" fill="#555"'));
  return parts;
}

function text(x: number | string, y: number, content: string, style: string): string {
  const safe = content.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
  return `<text x="${x}" y="${n(y)}" ${style}>${safe}</text>`;
}

function n(value: number): string {
  return value.toFixed(1);
}
