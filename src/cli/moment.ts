/** Times as a postmaster reads them: local clock, and how far away. */

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

/** `14:25` today, `Nov 26 14:25` this year, else `2027-01-02 14:25`. */
export function clock(atMs: number, nowMs: number): string {
  const at = new Date(atMs);
  const now = new Date(nowMs);
  const time = `${two(at.getHours())}:${two(at.getMinutes())}`;
  if (at.getFullYear() !== now.getFullYear()) {
    return `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())} ${time}`;
  }
  if (at.getMonth() !== now.getMonth() || at.getDate() !== now.getDate()) {
    return `${MONTHS[at.getMonth()]} ${at.getDate()} ${time}`;
  }
  return time;
}

/** `45 s`, `12 min`, `2 h 5 min`, `3 d 4 h`; rounded, never negative. */
export function span(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1000));
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 60) return `${minutes} min`;
  if (minutes < 24 * 60) return pair(minutes, 60, 'h', 'min');
  return pair(Math.round(minutes / 60), 24, 'd', 'h');
}

/** `14:25 (in 12 min)`, `14:25:07 (in 5 s)`, `14:01 (12 min ago)`. */
export function moment(atMs: number, nowMs: number): string {
  const away = atMs - nowMs;
  const near = Math.abs(away) < 59_500;
  const time = clock(atMs, nowMs) + (near ? `:${two(new Date(atMs).getSeconds())}` : '');
  return away < 0 ? `${time} (${span(-away)} ago)` : `${time} (in ${span(away)})`;
}

/** A time that is due: as `moment`, but `now` where it has come. */
export function due(atMs: number, nowMs: number): string {
  return atMs <= nowMs ? 'now' : moment(atMs, nowMs);
}

/** `until 14:25 (in 12 min)`, or `until further notice` for null. */
export function until(atMs: number | null, nowMs: number): string {
  return atMs === null ? 'until further notice' : `until ${moment(atMs, nowMs)}`;
}

function pair(count: number, base: number, large: string, small: string): string {
  const rest = count % base;
  const whole = `${Math.floor(count / base)} ${large}`;
  return rest === 0 ? whole : `${whole} ${rest} ${small}`;
}

function two(value: number): string {
  return String(value).padStart(2, '0');
}
