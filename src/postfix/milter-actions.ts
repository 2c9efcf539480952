/**
 * What another milter may do, by its own word: it is greeted as Postfix would greet it, and its
 * answer to the negotiation lists the actions it may ask for. libmilter refuses a QUARANTINE that
 * was not listed.
 */
import { connect, type NetConnectOpts } from 'node:net';
import { join } from 'node:path';

/** SMFIF_QUARANTINE */
const QUARANTINE = 0x20;
const WITHIN_MS = 2000;

/** Version 6, all actions, all steps: what Postfix 3.7 offers. */
const OFFER = Buffer.from('0000000d4f00000006000001ff001fffff', 'hex');

/** `unix:path` and `inet:host:port` as milter lists have them. */
function placeOf(socket: string, queueDirectory: string): NetConnectOpts | undefined {
  const [type, ...rest] = socket.split(':');
  const place = rest.join(':');
  // chrooted or not, relative to the queue directory.
  if (type === 'unix') return { path: place.startsWith('/') ? place : join(queueDirectory, place) };
  const found = /^\[?(.*?)\]?:(\d+)$/.exec(place);
  if (found?.[1] === undefined || type?.startsWith('inet') !== true) return undefined;
  return { host: found[1], port: Number(found[2]) };
}

/** false: it says that it never does. true also where it can't be asked. */
export function mayQuarantine(socket: string, queueDirectory: string): Promise<boolean> {
  const place = placeOf(socket, queueDirectory);
  if (place === undefined) return Promise.resolve(true);
  return new Promise((resolve) => {
    const talk = connect(place);
    let answer = Buffer.alloc(0);
    talk.setTimeout(WITHIN_MS, () => talk.destroy());
    talk.on('error', () => undefined);
    talk.once('connect', () => talk.write(OFFER));
    talk.on('data', (chunk) => {
      answer = Buffer.concat([answer, chunk]);
      if (answer.length >= 17) talk.destroy();
    });
    talk.once('close', () => {
      const isOffer = answer.length >= 13 && answer.toString('latin1', 4, 5) === 'O';
      resolve(!isOffer || (answer.readUInt32BE(9) & QUARANTINE) !== 0);
    });
  });
}
