import { isIPv6 } from 'node:net';
import type { Endpoint } from './config.ts';

/** sun_path holds 108 bytes, the closing zero included. */
const SOCKET_PATH_BYTES = 107;

/**
 * `unix:/path`, `inet:host:port`, `host:port`, `[::1]:port`, `systemd`, `systemd:name`.
 * undefined: none of them.
 */
export function parseEndpoint(text: string): Endpoint | undefined {
  if (text === 'systemd') return { kind: 'systemd' };
  if (text.startsWith('systemd:')) {
    const name = text.slice('systemd:'.length);
    return /^[^\s:]+$/.test(name) ? { kind: 'systemd', name } : undefined;
  }
  if (text.startsWith('unix:')) {
    const path = text.slice('unix:'.length);
    return isSocketPath(path) ? { kind: 'unix', path } : undefined;
  }
  return parseInet(text.startsWith('inet:') ? text.slice('inet:'.length) : text);
}

/** The text that parseEndpoint reads back. */
export function formatEndpoint(endpoint: Endpoint): string {
  if (endpoint.kind === 'unix') return `unix:${endpoint.path}`;
  if (endpoint.kind === 'systemd') {
    return endpoint.name === undefined ? 'systemd' : `systemd:${endpoint.name}`;
  }
  const host = endpoint.host.includes(':') ? `[${endpoint.host}]` : endpoint.host;
  return `inet:${host}:${endpoint.port}`;
}

/** Absolute, and short enough for a socket's address. */
export function isSocketPath(path: string): boolean {
  return (
    path.startsWith('/') && !path.includes('\0') && Buffer.byteLength(path) <= SOCKET_PATH_BYTES
  );
}

function parseInet(text: string): Endpoint | undefined {
  const match = /^(?:\[([^\]]+)\]|([^\s:@[\]/]+)):(\d{1,5})$/.exec(text);
  if (match === null) return undefined;
  const [, bracketed, plain, digits] = match;
  const port = Number(digits);
  const host = bracketed ?? plain;
  if (host === undefined || port < 1 || port > 65_535) return undefined;
  if (bracketed !== undefined && !isIPv6(bracketed)) return undefined;
  return { kind: 'inet', host, port };
}
