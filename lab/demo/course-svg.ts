/** The course as one SVG picture: what was taken, and the limits as lines. */
import { highest, type Hour } from './course.ts';

const WIDTH = 900;
const HEIGHT = 420;
const LEFT = 60;
const RIGHT = 20;
const TOP = 90;
const BASE = HEIGHT - 50;

export function courseSvg(title: string, subtitle: string, hours: readonly Hour[]): string {
  const most = highest(hours) * 1.05;
  const step = (WIDTH - LEFT - RIGHT) / hours.length;
  const x = (hour: number) => LEFT + hour * step;
  const y = (rate: number) => BASE - (rate / most) * (BASE - TOP);
  const bars = hours.map(
    ({ taken }, hour) =>
      `<rect x="${n(x(hour) + 1)}" y="${n(y(taken))}" width="${n(step - 2)}" ` +
      `height="${n(BASE - y(taken))}" fill="#9dc3ee"/>`,
  );
  const warnings = hours.flatMap(({ warned }, hour) =>
    warned === 0
      ? []
      : [
          `<circle cx="${n(x(hour) + step / 2)}" cy="${BASE + 8}" r="4" fill="#c62828"/>`,
          text(
            x(hour) + step / 2,
            BASE + 24,
            String(warned),
            'text-anchor="middle" font-size="10"',
          ),
        ],
  );
  const line = (of: (hour: Hour) => number | undefined, style: string): readonly string[] =>
    pieces(hours, of).map((piece) => {
      const points = piece.map(
        ([hour, rate]) => `${n(x(hour))},${n(y(rate))} ${n(x(hour + 1))},${n(y(rate))}`,
      );
      return `<polyline points="${points.join(' ')}" fill="none" ${style}/>`;
    });
  const ticks = hours.flatMap((_, hour) =>
    hour % 6 === 0
      ? [text(x(hour), BASE + 42, `${hour} h`, 'text-anchor="middle" font-size="11"')]
      : [],
  );
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${HEIGHT}" ` +
      `viewBox="0 0 ${WIDTH} ${HEIGHT}" font-family="DejaVu Sans, Verdana, sans-serif" font-size="13" fill="#222">`,
    `<rect width="${WIDTH}" height="${HEIGHT}" fill="#fff"/>`,
    text(LEFT, 28, title, 'font-size="18" font-weight="bold"'),
    text(LEFT, 48, subtitle, 'fill="#555"'),
    text(
      LEFT,
      68,
      'Recipients an hour. Bars: taken; orange: limit in force; red: hidden limit; grey, dashed: wall; dots: warnings',
      'fill="#555" font-size="12"',
    ),
    ...bars,
    ...line(({ wall }) => wall, 'stroke="#888" stroke-width="1.5" stroke-dasharray="3 3"'),
    ...line(({ hidden }) => hidden, 'stroke="#c62828" stroke-width="1.5"'),
    ...line(({ limit }) => limit, 'stroke="#e67300" stroke-width="2"'),
    `<line x1="${LEFT}" y1="${BASE}" x2="${WIDTH - RIGHT}" y2="${BASE}" stroke="#888"/>`,
    text(LEFT - 8, BASE + 4, '0', 'text-anchor="end" font-size="11"'),
    text(
      LEFT - 8,
      y(highest(hours)) + 4,
      String(Math.round(highest(hours))),
      'text-anchor="end" font-size="11"',
    ),
    ...warnings,
    ...ticks,
    '</svg>',
    '',
  ].join('\n');
}

/** Runs of hours for which there is a value. */
function pieces(
  hours: readonly Hour[],
  of: (hour: Hour) => number | undefined,
): readonly (readonly (readonly [number, number])[])[] {
  const found: [number, number][][] = [];
  let open: [number, number][] | undefined;
  for (const [index, hour] of hours.entries()) {
    const value = of(hour);
    if (value === undefined) open = undefined;
    else if (open === undefined) found.push((open = [[index, value]]));
    else open.push([index, value]);
  }
  return found;
}

function text(x: number, y: number, content: string, style: string): string {
  const safe = content.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
  return `<text x="${n(x)}" y="${n(y)}" ${style}>${safe}</text>`;
}

function n(value: number): string {
  return value.toFixed(1);
}
