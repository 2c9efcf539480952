/**
 * Destinations: the domain part of a recipient in the one form that limits, logs and configuration
 * compare. Nothing here throws; what can't be converted stays as it was typed, in lower case.
 */
import { isIPv4, isIPv6 } from 'node:net';
import { domainToASCII } from 'node:url';

const ASCII_ONLY = /^[\0-\x7f]*$/;
/** What a label may hold before conversion; URL hosts would read `/`, `#`, `%`, `:` as syntax. */
const CONVERTIBLE = /^(?:[a-z0-9_.-]|[^\0-\x7f])+$/;

/**
 * The destination that a domain as typed stands for: lower case, IDNA A-labels (RFC 5891), no
 * trailing dot; an address literal (RFC 5321, 4.1.3) as `[192.0.2.1]` or `[ipv6:2001:db8::1]`.
 * undefined: no domain is left (empty, or dots alone).
 */
export function toDestination(domain: string): string | undefined {
  const lower = domain.toLowerCase();
  if (lower.startsWith('[') && lower.endsWith(']')) return toLiteral(lower);
  const trimmed = withoutTrailingDots(toALabels(lower));
  return trimmed === '' ? undefined : trimmed;
}

function toALabels(lower: string): string {
  if (ASCII_ONLY.test(lower) || !CONVERTIBLE.test(lower)) return lower;
  const converted = domainToASCII(lower);
  // The converter takes names of digits alone for IPv4 addresses: those stay what was typed.
  return converted === '' || isIPv4(converted) ? lower : converted;
}

function toLiteral(lower: string): string {
  const inner = lower.slice(1, -1);
  const address = inner.startsWith('ipv6:') ? inner.slice('ipv6:'.length) : inner;
  if (isIPv4(address)) return `[${address}]`;
  // A zone (`%eth0`) is no part of a literal, and the converter refuses it.
  if (!isIPv6(address) || address.includes('%')) return lower;
  const compressed = domainToASCII(`[${address}]`);
  return compressed === '' ? lower : `[ipv6:${compressed.slice(1, -1)}]`;
}

function withoutTrailingDots(name: string): string {
  let end = name.length;
  while (end > 0 && name[end - 1] === '.') end -= 1;
  return name.slice(0, end);
}
