/** A main.cf and a master.cf of their own, for real postconf; no Postfix runs on them. */
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { configurePostfix, type ConfigureOptions } from '../../src/postfix/configure-run.ts';

const run = promisify(execFile);

export class Scratch {
  readonly directory: string;

  constructor(directory: string) {
    this.directory = directory;
  }

  get listen(): string {
    return `unix:${this.directory}/queue/postpace/milter.sock`;
  }

  async postconf(...args: string[]): Promise<string> {
    await this.age();
    return (await run('postconf', ['-c', this.directory, ...args])).stdout;
  }

  /** postconf waits two seconds before it reads a main.cf that was just written. */
  async age(): Promise<void> {
    await utimes(join(this.directory, 'main.cf'), 1, 1);
  }

  /** What `postconf -n` and `-M` print. */
  async state(): Promise<string> {
    return `${await this.postconf('-n')}\n${await this.postconf('-M')}`;
  }

  /** The value of a parameter of main.cf, or of `smtp/inet/name` of master.cf. */
  async value(name: string): Promise<string> {
    const flags = name.includes('/') ? ['-Ph'] : ['-h'];
    return (await this.postconf(...flags, name)).trim();
  }

  async configure(options: Partial<ConfigureOptions> = {}) {
    await this.age();
    return configurePostfix({
      configDirectory: this.directory,
      listen: this.listen,
      split: false,
      apply: true,
      nowMs: Date.UTC(2026, 10, 24),
      ...options,
    });
  }

  async remove(): Promise<void> {
    await rm(this.directory, { recursive: true });
  }
}

const MASTER = [
  'smtp inet n - y - - smtpd',
  'submission inet n - y - - smtpd',
  '  -o syslog_name=postfix/submission',
  '  -o smtpd_milters=inet:a:1,inet:b:2',
  'pickup unix n - y 60 1 pickup',
  'cleanup unix n - y - 0 cleanup',
  'smtp unix - - y - - smtp',
];

/** Lines of main.cf beside the least, and of master.cf in place of the usual ones. */
export async function scratch(
  main: readonly string[],
  master: readonly string[] = MASTER,
): Promise<Scratch> {
  const directory = await mkdtemp(join(tmpdir(), 'postpace-configure-'));
  await mkdir(join(directory, 'queue'));
  const least = ['compatibility_level = 3.6', `queue_directory = ${directory}/queue`];
  await writeFile(join(directory, 'main.cf'), `${[...least, ...main].join('\n')}\n`);
  await writeFile(join(directory, 'master.cf'), `${master.join('\n')}\n`);
  return new Scratch(directory);
}
