/** What was logged, to be looked at. */
import type { PaceLog } from '../../src/pace/log.ts';

export interface Spoken {
  readonly level: 'debug' | 'info' | 'warn' | 'error';
  readonly text: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

export class SpokenLog implements PaceLog {
  readonly lines: Spoken[] = [];

  debug(fields: object, text: string): void {
    this.#add('debug', fields, text);
  }
  info(fields: object, text: string): void {
    this.#add('info', fields, text);
  }
  warn(fields: object, text: string): void {
    this.#add('warn', fields, text);
  }
  error(fields: object, text: string): void {
    this.#add('error', fields, text);
  }

  /** Lines whose text holds these words. */
  of(words: string): readonly Spoken[] {
    return this.lines.filter(({ text }) => text.includes(words));
  }

  #add(level: Spoken['level'], fields: object, text: string): void {
    this.lines.push({ level, text, fields: { ...fields } });
  }
}
