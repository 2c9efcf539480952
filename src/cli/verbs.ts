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
    command: 'reload',
    describe: 'Have the daemon read its configuration again',
    load: async () => (await import('./reload.ts')).reload,
  },
];
