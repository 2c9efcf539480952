/** The services and settings of the split set-up, from postfix/split-master.cf. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { readService, withOption, type MasterService } from './master-service.ts';

export const SPLIT_TRANSPORT = 'postpace-split';
const SPLIT_CLEANUP = 'postpace-cleanup';

/** main.cf parameters that belong to the transport. */
export const SPLIT_SETTINGS: ReadonlyMap<string, string> = new Map([
  [`${SPLIT_TRANSPORT}_destination_recipient_limit`, '1'],
  // One destination takes all of the mail: it is our own second hop.
  [`${SPLIT_TRANSPORT}_initial_destination_concurrency`, '20'],
]);

export function splitFilter(port: number): string {
  return `${SPLIT_TRANSPORT}:[127.0.0.1]:${port}`;
}

/** Whether a content_filter is the split set-up's. */
export function isSplitFilter(value: string): boolean {
  return value.startsWith(`${SPLIT_TRANSPORT}:`);
}

/** The three services, the milter on the second hop. */
export function splitServices(port: number, milter: string): readonly MasterService[] {
  const path = join(import.meta.dirname, '..', '..', 'postfix', 'split-master.cf');
  return logicalLines(readFileSync(path, 'utf8').replaceAll('@PORT@', String(port))).map((line) => {
    const service = readService(line);
    if (service === undefined) throw new Error(`${path}: not a service: ${line}`);
    return service.command === 'smtpd' ? withOption(service, 'smtpd_milters', milter) : service;
  });
}

/** Lines of a file of Postfix, each with those that go on with it; without comments. */
export function logicalLines(text: string): readonly string[] {
  const lines: string[] = [];
  for (const line of text.split('\n')) {
    if (/^\s*(#|$)/.test(line)) continue;
    if (/^\s/.test(line)) lines.push(`${lines.pop() ?? ''} ${line.trim()}`);
    else lines.push(line);
  }
  return lines;
}

/** Whether a service of master.cf is one of the three. */
export function isSplitService(service: MasterService): boolean {
  const { name, args } = service;
  return (
    name === SPLIT_TRANSPORT ||
    name === SPLIT_CLEANUP ||
    args.includes(`cleanup_service_name=${SPLIT_CLEANUP}`)
  );
}

/** The port of the second hop, where it is set up. */
export function splitPort(services: readonly MasterService[]): number | undefined {
  const hop = services.find((service) => service.command === 'smtpd' && isSplitService(service));
  return hop === undefined ? undefined : Number(hop.name.split(':').at(-1));
}
