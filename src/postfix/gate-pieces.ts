/** The services and settings of a gate, from postfix/gate. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { readParameters } from './instance.ts';
import { readService, type MasterService } from './master-service.ts';
import { logicalLines } from './split-pieces.ts';

/** Beginning of the names of the transports that lead to the gate. */
export const GATE_TRANSPORT = 'postpace-gate';

/** `NAME` -> what stands in place of `@NAME@`. */
type Fill = Readonly<Record<string, string | number>>;

type ServicesFile = 'first-master.cf' | 'second-master.cf';
type SettingsFile = 'first-main.cf' | 'second-main.cf';

export function gateServices(file: ServicesFile, fill: Fill): readonly MasterService[] {
  return filled(file, fill).map((line) => {
    const service = readService(line);
    if (service === undefined) throw new Error(`postfix/gate/${file}: not a service: ${line}`);
    return service;
  });
}

export function gateSettings(file: SettingsFile, fill: Fill): ReadonlyMap<string, string> {
  return readParameters(filled(file, fill).join('\n'));
}

function filled(file: string, fill: Fill): readonly string[] {
  const path = join(import.meta.dirname, '..', '..', 'postfix', 'gate', file);
  const text = readFileSync(path, 'utf8').replaceAll(/@([A-Z]+)@/g, (whole, name: string) =>
    String(fill[name] ?? whole),
  );
  return logicalLines(text);
}
