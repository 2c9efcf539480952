/** What is wrong with a command line, in a sentence that helps: pure, from yargs' own words. */
import { nearest } from '../config/nearest.ts';

/**
 * `message` is yargs' sentence, `help` the help text of the verb that it stopped at, which says
 * what would have been right. Resolves into two lines: what is wrong, and where help is.
 */
export function explainRefusal(message: string, argv: readonly string[], help: string): string {
  const usage = /^postpace.*$/m.exec(help)?.[0] ?? 'postpace VERB';
  const verbs = /^postpace(?: [a-z-]+)*/.exec(usage)?.[0] ?? 'postpace';
  return `${sentence(message, argv, help, usage)}\nTry: ${verbs} --help`;
}

function sentence(message: string, argv: readonly string[], help: string, usage: string): string {
  const unknown = /^Unknown (?:argument|command)s?: (.*)$/.exec(message)?.[1];
  if (unknown !== undefined) {
    return unknown
      .split(', ')
      .map((word) => unknownWord(word, argv, help))
      .join(' ');
  }
  const missing = /^Missing required arguments?: (.*)$/.exec(message)?.[1];
  if (missing !== undefined) return `Missing: --${missing.split(', ').join(', --')}`;
  if (message.startsWith('Not enough non-option arguments')) return `Not enough words: ${usage}`;
  const valueless = /^Not enough arguments following: (.*)$/.exec(message)?.[1];
  if (valueless !== undefined) return `--${valueless} needs a value.`;
  return message;
}

function unknownWord(word: string, argv: readonly string[], help: string): string {
  const dashes = word.length === 1 ? '-' : '--';
  if (argv.some((each) => each.split('=')[0] === dashes + word)) {
    const options = [...help.matchAll(/^ .*?--([a-z][a-z-]+)/gm)].map((each) => each[1] ?? '');
    const meant = nearest(word, options);
    return `Unknown option ${dashes}${word}.${meant === undefined ? '' : ` Did you mean --${meant}?`}`;
  }
  const commands = /^Commands:\n((?: .*\n?)*)/m.exec(help)?.[1] ?? '';
  const verbs = [...commands.matchAll(/^ {2}postpace(?: [a-z-]+)* ([a-z-]+)/gm)].map(
    (each) => each[1] ?? '',
  );
  if (verbs.length === 0) return `Unexpected: ${word}.`;
  const meant = nearest(word, verbs);
  return `Unknown verb ${word}.${meant === undefined ? '' : ` Did you mean ${meant}?`}`;
}
