/** The scripts that Redis runs for us, each with the time and the arithmetic before it. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';

export interface Script {
  readonly text: string;
  /** SHA-1 in hex, by which Redis knows it. */
  readonly sha: string;
}

export type Scripts = Readonly<
  Record<
    'take' | 'raise' | 'settle' | 'read' | 'announce' | 'control' | 'standing' | 'beat',
    Script
  >
>;

/** Reads them from beside this module. */
export function loadScripts(): Scripts {
  const before = `${source('clock')}\n${source('account')}`;
  const script = (...names: readonly string[]): Script => {
    const text = [before, ...names.map(source)].join('\n');
    return { text, sha: createHash('sha1').update(text).digest('hex') };
  };
  return {
    take: script('take'),
    raise: script('raise'),
    settle: script('settle'),
    read: script('read'),
    announce: script('announce'),
    control: script('decision', 'control'),
    standing: script('decision', 'standing'),
    beat: script('beat'),
  };
}

function source(name: string): string {
  return readFileSync(new URL(`./${name}.lua`, import.meta.url), 'utf8');
}
