/**
 * Whether a message is held for its content too (HOLD in header_checks and the like). When Postfix
 * holds a message already, because a milter failed, it does not log a second reason: only the
 * message and the tables tell.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { serviceOption } from './master-service.ts';
import type { PostfixSettings } from './settings.ts';

/** A table that may say HOLD, as `type:name`, and how postmap is asked about a message. */
export interface ContentTable {
  readonly parameter: string;
  readonly table: string;
  readonly query: '-hmq' | '-bmq';
}

const PARAMETERS = [
  'header_checks',
  'mime_header_checks',
  'nested_header_checks',
  'milter_header_checks',
  'body_checks',
] as const;

/** From main.cf and every `-o` of master.cf. A table that can't be read may say HOLD. */
export async function contentTables(settings: PostfixSettings): Promise<readonly ContentTable[]> {
  const found = new Map<string, ContentTable>();
  for (const parameter of PARAMETERS) {
    const query = parameter === 'body_checks' ? '-bmq' : '-hmq';
    const lists = [
      settings.main.get(parameter),
      ...settings.services.map((service) => serviceOption(service, parameter)),
    ];
    for (const table of lists.flatMap((list) => (list ?? '').split(/[\s,]+/))) {
      // By default the later ones are the first one's again.
      const key = `${query} ${table}`;
      if (table === '' || found.has(key) || !(await mayHold(table))) continue;
      found.set(key, { parameter, table, query });
    }
  }
  return [...found.values()];
}

async function mayHold(table: string): Promise<boolean> {
  const name = table.slice(table.indexOf(':') + 1);
  return readFile(name, 'utf8').then(
    (text) => /\bHOLD\b/i.test(text),
    () => true,
  );
}

/** The parameter whose table says HOLD; undefined: none. Rejects when the message can't be read. */
export async function heldForContent(
  configDirectory: string,
  queueId: string,
  tables: readonly ContentTable[],
): Promise<string | undefined> {
  const message = await run(['postcat', '-c', configDirectory, '-qbh', queueId], '');
  if (message.code !== 0) throw new Error(`postcat: ${message.stderr.trim()}`);
  for (const { parameter, table, query } of tables) {
    // 1 and no complaint: nothing found.
    const asked = ['postmap', '-c', configDirectory, query, '-', table] as const;
    const { code, stdout, stderr } = await run(asked, message.stdout);
    if (code !== 0 && stderr !== '') throw new Error(`postmap: ${stderr.trim()}`);
    if (/\tHOLD(?:\s|$)/im.test(stdout)) return parameter;
  }
  return undefined;
}

interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

async function run([file, ...args]: readonly [string, ...string[]], input: string): Promise<Ran> {
  const child = spawn(file, args, { stdio: 'pipe', timeout: 30_000 });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('latin1').on('data', (text: string) => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  child.stdin.on('error', () => undefined);
  child.stdin.end(input, 'latin1');
  await once(child, 'close');
  return { code: child.exitCode ?? -1, stdout, stderr };
}
