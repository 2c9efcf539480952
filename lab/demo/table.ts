/** A snapshot as a table that is drawn again and again, and as one line of a log. */
import type { ProviderSnapshot, Snapshot } from './snapshot.ts';

const WIDTHS = [9, 7, 7, 7, 8, 9, 9];

/** Lines of at most 80 columns, always as many. */
export function table(now: Snapshot): readonly string[] {
  const head = ['provider', 'mails', 'sent', 'held', 'refused', 'rate', 'limit', 'last one leaves'];
  return [
    `${clock(now.elapsedMs)}  ${now.accepted} of ${now.mails} mails taken from the application`,
    row(head),
    ...now.providers.map((one) =>
      row([
        one.role.name,
        String(one.members),
        String(one.sent),
        one.held === null ? '-' : String(one.held),
        String(one.refused),
        `${one.rate}/min`,
        one.held === null ? '-' : `${one.role.perMinute}/min`,
        leaves(one),
      ]),
    ),
  ];
}

/** For where nothing can be redrawn. */
export function progressLine({ elapsedMs, accepted, providers }: Snapshot): string {
  const sum = (of: (one: ProviderSnapshot) => number) =>
    providers.reduce((total, one) => total + of(one), 0);
  const rates = providers
    .filter((one) => one.rate > 0)
    .map(({ role, rate, held }) =>
      held === null ? `${role.name} ${rate}/min` : `${role.name} ${rate} of ${role.perMinute}/min`,
    );
  const held = providers.some((one) => one.held !== null)
    ? `, held ${sum((one) => one.held ?? 0)}`
    : '';
  const last = Math.max(...providers.map((one) => one.lastLeavesInMs ?? -1));
  const counts = `taken ${accepted}, sent ${sum((one) => one.sent)}${held}`;
  return [
    `${clock(elapsedMs)}  ${counts}, refused ${sum((one) => one.refused)}`,
    ...(rates.length === 0 ? [] : [rates.join(', ')]),
    ...(last < 0 ? [] : [`last one leaves in ${clock(last)}`]),
  ].join('; ');
}

function leaves({ held, lastLeavesInMs }: ProviderSnapshot): string {
  if (held === null) return '-';
  if (held === 0) return 'none waits';
  return lastLeavesInMs === null ? 'not known' : `in ${clock(lastLeavesInMs)}`;
}

function row(cells: readonly string[]): string {
  return cells
    .map((cell, i) => {
      const width = WIDTHS[i];
      if (width === undefined) return `  ${cell}`;
      return i === 0 ? cell.padEnd(width) : cell.padStart(width);
    })
    .join('');
}

/** `1:05` */
export function clock(ms: number): string {
  const seconds = Math.round(ms / 1000);
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}`;
}
