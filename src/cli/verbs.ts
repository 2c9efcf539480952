import type { Register } from './verb.ts';

/** A verb by its yargs command line; its file is loaded only when it is named. */
export interface VerbEntry {
  readonly command: string;
  readonly describe: string;
  readonly load: () => Promise<Register>;
}

/** In the order of --help. */
export const VERBS: readonly VerbEntry[] = [
  {
    command: 'serve',
    describe: 'Run the daemon',
    load: async () => (await import('./serve.ts')).serve,
  },
  {
    command: 'status [provider]',
    describe: 'Limits, what was sent, what waits and until when',
    load: async () => (await import('./status.ts')).status,
  },
  {
    command: 'explain <query>',
    describe: 'Why a mail waits, or what happens to mail for an address',
    load: async () => (await import('./explain.ts')).explain,
  },
  {
    command: 'limits',
    describe: 'Show and change the limits of a provider',
    load: async () => (await import('./limits.ts')).limits,
  },
  {
    command: 'suspend <provider>',
    describe: 'Stop sending to a provider; its mail waits',
    load: async () => (await import('./suspend.ts')).suspend,
  },
  {
    command: 'resume <provider>',
    describe: 'End a suspension, or a pass, of a provider',
    load: async () => (await import('./resume.ts')).resume,
  },
  {
    command: 'pass [provider]',
    describe: 'Let mail pass unpaced for a time',
    load: async () => (await import('./pass.ts')).pass,
  },
  {
    command: 'held',
    describe: 'List, release, delete and adopt held mail',
    load: async () => (await import('./held.ts')).held,
  },
  {
    command: 'classify [text]',
    describe: 'What a reply of a mail server means, and whose doing it is',
    load: async () => (await import('./classify.ts')).classify,
  },
  {
    command: 'feedback',
    describe: 'What providers answered, and reports of others handed in',
    load: async () => (await import('./feedback.ts')).feedback,
  },
  {
    command: 'config',
    describe: 'Check, show and begin the configuration',
    load: async () => (await import('./config.ts')).config,
  },
  {
    command: 'postfix',
    describe: 'Put postpace into Postfix, or take it out',
    load: async () => (await import('./postfix.ts')).postfix,
  },
  {
    command: 'reload',
    describe: 'Have the daemon read its configuration again',
    load: async () => (await import('./reload.ts')).reload,
  },
];
