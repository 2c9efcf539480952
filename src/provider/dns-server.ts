/** Addresses of DNS servers, as the configuration and Node write them. */
import { Resolver } from 'node:dns';
import { isIP } from 'node:net';
import type { DnsServer } from './dns-exchange.ts';

const PORT = 53;

/** `192.0.2.53`, `192.0.2.53:5353`, `2001:db8::53`, `[2001:db8::53]:5353`; undefined: none of these. */
export function parseDnsServer(text: string): DnsServer | undefined {
  if (isIP(text) !== 0) return { address: text, port: PORT };
  const found = /^(?:\[(?<v6>[^\]]+)\]|(?<v4>[^:]+)):(?<port>[0-9]{1,5})$/.exec(text)?.groups;
  const address = found?.['v6'] ?? found?.['v4'] ?? '';
  const port = Number(found?.['port']);
  const version = found?.['v6'] === undefined ? 4 : 6;
  return isIP(address) === version && port >= 1 && port <= 65535 ? { address, port } : undefined;
}

export function formatDnsServer({ address, port }: DnsServer): string {
  if (port === PORT) return address;
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
}

/** Those of /etc/resolv.conf, as it is now. */
export function systemDnsServers(): readonly DnsServer[] {
  return new Resolver().getServers().flatMap((text) => parseDnsServer(text) ?? []);
}
