/**
 * How right the classifier is: over a folder of labelled replies, by category and by group, with the
 * confusion table, and how fast it is.
 * usage: node dist/bench/classify.js CORPUS-DIR [--text]; prints JSON, or text.
 *
 * CORPUS-DIR/replies.jsonl has one reply a line: `text`, `category`, `certain`, `kind`, `provider`,
 * and `group` where the category has another; eml.jsonl one recipient of a message that came back:
 * `file` below CORPUS-DIR, `recipient`, `diagnostic`, `category`, `certain`. Scored is what is certain,
 * and of the replies only those of kind real and doc; `mail` reads the messages themselves.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

import {
  CATEGORIES,
  GROUPS,
  groupOf,
  type Category,
  type Group,
} from '../src/feedback/category.ts';
import { createClassifier, type Classification } from '../src/feedback/classify.ts';
import { readMailReport, type ReportedRecipient } from '../src/feedback/mail-report.ts';
import { readReported } from '../src/feedback/reported.ts';
import { loadRules } from '../src/feedback/rule-files.ts';

interface Labelled {
  readonly text: string;
  readonly category: Category;
  /** What the label's group is, where it is not the one of its category. */
  readonly group: Group | undefined;
  readonly provider: string | undefined;
}

interface Judged extends Labelled {
  readonly found: Pick<Classification, 'category' | 'group' | 'rule'>;
}

/** The corpus's names of providers -> ours, where they differ. */
const PROVIDER: Readonly<Record<string, string>> = {
  google: 'gmail',
  microsoft: 'outlook',
  apple: 'icloud',
};

const [folder] = process.argv.slice(2).filter((word) => !word.startsWith('--'));
if (folder === undefined) {
  process.stderr.write('usage: node dist/bench/classify.js CORPUS-DIR [--text]\n');
  process.exit(2);
}
if (!['replies.jsonl', 'eml.jsonl'].some((name) => existsSync(join(folder, name)))) {
  fail(`${folder}: there is neither replies.jsonl nor eml.jsonl`);
}
const classifier = createClassifier(loadRules());
const replies = labelled('replies.jsonl', 'text', (line) =>
  ['real', 'doc'].includes(String(line['kind'])),
);
const diagnostics = labelled('eml.jsonl', 'diagnostic', () => true);
const figures = {
  textAlone: score(replies.map((reply) => judge(reply, undefined))),
  providerKnown: score(replies.map((reply) => judge(reply, reply.provider))),
  diagnostics: score(diagnostics.map((each) => judge(each, undefined))),
  mail: score(await mailRecipients()),
  repliesPerSecond: speed(),
};
process.stdout.write(
  process.argv.includes('--text') ? inWords(figures) : `${JSON.stringify(figures, null, 2)}\n`,
);

function labelled(
  name: string,
  key: string,
  wanted: (line: Record<string, unknown>) => boolean,
): readonly Labelled[] {
  return linesOf(name).flatMap((value) => {
    const { [key]: text, category, provider, certain } = value;
    const known = CATEGORIES.find((each) => each === category);
    if (typeof text !== 'string' || known === undefined || certain !== true || !wanted(value)) {
      return [];
    }
    const named = typeof provider === 'string' ? (PROVIDER[provider] ?? provider) : undefined;
    const group = GROUPS.find((each) => each === value['group']);
    return [{ text, category: known, group, provider: named }];
  });
}

/** The objects of a file of the corpus, which may lack it; ends the program where one can't be read. */
function linesOf(name: string): readonly Record<string, unknown>[] {
  const path = join(folder ?? '.', name);
  if (!existsSync(path)) return [];
  const lines = readFileSync(path, 'utf8').split('\n');
  return lines.flatMap((line, at) => {
    if (line.trim() === '') return [];
    try {
      return [JSON.parse(line)];
    } catch {
      return fail(`${path}:${at + 1}: found ${line.slice(0, 60)}, expected a JSON object`);
    }
  });
}

function fail(why: string): never {
  process.stderr.write(`${why}\n`);
  process.exit(1);
}

/** Each labelled recipient, as the message itself tells of it. */
async function mailRecipients(): Promise<readonly Judged[]> {
  const judged: Judged[] = [];
  const seen = new Map<string, number>();
  for (const value of linesOf('eml.jsonl')) {
    const { file, recipient, diagnostic } = value;
    const category = CATEGORIES.find((each) => each === value['category']);
    const place = seen.get(String(file)) ?? 0;
    seen.set(String(file), place + 1);
    if (value['certain'] !== true || category === undefined) continue;
    const report = await readMailReport(readFileSync(join(folder ?? '.', String(file))));
    const { recipients } = report;
    const one =
      recipients.find((each) => isAbout(each, recipient)) ?? recipients[place] ?? recipients.at(-1);
    const text = `${String(file)}: ${typeof diagnostic === 'string' ? diagnostic : ''} | ${one?.reply ?? report.kind}`;
    const found = one && readReported(one, classifier, {});
    const nothing = { category: 'other', group: 'weather', rule: 'not read' } as const;
    judged.push({
      text,
      category,
      group: undefined,
      provider: undefined,
      found: found ?? nothing,
    });
  }
  return judged;
}

function isAbout({ recipient, originalRecipient }: ReportedRecipient, label: unknown): boolean {
  const name = String(label).toLowerCase();
  return [recipient, originalRecipient].some((one) => one?.toLowerCase() === name);
}

function judge(reply: Labelled, provider: string | undefined): Judged {
  return { ...reply, found: classifier.classify(reply.text, { provider }) };
}

/**
 * What the label's group may be. A label says `throttled` for the limits of one mailbox and for caps
 * on connections too, which do not slow a provider down.
 */
function groupsOf({ text, category, group }: Labelled): readonly Group[] {
  if (group !== undefined) return [group];
  if (category !== 'throttled') return [groupOf(category)];
  if (/\b[45]\.2\.12[12]\b|receiving mail (at a rate|too quickly)/.test(text)) return ['recipient'];
  return /too many (\w+ )*connections|trop de connexions/i.test(text) ? ['weather'] : ['slow'];
}

/** Says that we send too much, or that we are blocked. */
function isWarning({ category }: { readonly category: Category }): boolean {
  return ['throttled', 'ip_blocked', 'dnsbl'].includes(category);
}

function score(judged: readonly Judged[]) {
  const harmless = judged.filter(({ category, group }) =>
    ['recipient', 'weather', 'good'].includes(group ?? groupOf(category)),
  );
  const taken = harmless.filter(({ found }) => ['slow', 'blocked'].includes(found.group));
  const warnings = judged.filter(isWarning);
  const inGroup = judged.filter((each) => groupsOf(each).includes(each.found.group));
  const inCategory = judged.filter(({ category, found }) => category === found.category);
  const confusion: Record<string, Record<string, number>> = {};
  for (const { category, found } of judged) {
    const row = (confusion[category] ??= {});
    row[found.category] = (row[found.category] ?? 0) + 1;
  }
  return {
    of: judged.length,
    categoryRight: share(inCategory.length, judged.length),
    groupRight: share(inGroup.length, judged.length),
    throttledAndBlocked: warnings.length,
    recognised: share(warnings.filter(({ found }) => isWarning(found)).length, warnings.length),
    recipientWeatherGood: harmless.length,
    takenForSlowOrBlocked: harmless.length === 0 ? 0 : share(taken.length, harmless.length),
    confusion,
    wrongGroup: judged
      .filter((each) => !inGroup.includes(each))
      .map(({ text, category, found }) => ({
        category,
        found: found.category,
        rule: found.rule ?? null,
        text: text.slice(0, 200),
      })),
  };
}

function share(part: number, whole: number): number {
  return whole === 0 ? 1 : Number((part / whole).toFixed(4));
}

/** Replies a second of one core's time, whatever else the machine does. */
function speed(): number {
  const texts = replies.map(({ text }) => text);
  if (texts.length === 0) return 0;
  let done = 0;
  let spentUs = 0;
  for (const secondsOfCpu of [0.5, 1]) {
    const from = process.cpuUsage();
    done = 0;
    spentUs = 0;
    while (spentUs < secondsOfCpu * 1e6) {
      for (const text of texts) classifier.classify(text);
      done += texts.length;
      const { user, system } = process.cpuUsage(from);
      spentUs = user + system;
    }
  }
  return Math.round(done / (spentUs / 1e6));
}

function inWords(all: typeof figures): string {
  const lines = [`${all.repliesPerSecond} replies a second`];
  for (const [name, part] of Object.entries(all)) {
    if (typeof part === 'number') continue;
    lines.push(
      '',
      `${name}: ${part.of} replies`,
      `  category right          ${percent(part.categoryRight)}`,
      `  group right             ${percent(part.groupRight)}`,
      `  throttled and blocked   ${part.throttledAndBlocked}, recognised ${percent(part.recognised)}`,
      `  recipient and weather   ${part.recipientWeatherGood}, taken for slow or blocked ${percent(part.takenForSlowOrBlocked)}`,
      '  label: what it was taken for',
      ...Object.entries(part.confusion)
        .toSorted(([a], [b]) => (a < b ? -1 : 1))
        .map(([label, row]) => `    ${label.padEnd(16)} ${counts(row)}`),
      '  wrong group',
      ...part.wrongGroup.map(
        ({ category, rule, text }) => `    ${category} as ${rule ?? 'other'}: ${text}`,
      ),
    );
  }
  return `${lines.join('\n')}\n`;
}

function counts(row: Readonly<Record<string, number>>): string {
  const sorted = Object.entries(row).toSorted(([, a], [, b]) => b - a);
  return sorted.map(([name, count]) => `${name} ${count}`).join(', ');
}

function percent(value: number): string {
  return `${(value * 100).toFixed(2)} %`;
}
