/**
 * `npm run demo`: the `@all` of a chat server through a real Postfix to four providers that punish
 * a hurry. Exit 0: nothing lost, nothing twice, every limit kept; 1: something was, or it failed;
 * 2: usage; 130: interrupted. Leaves the picture, and nothing else.
 */
import { closeBooks } from './books.ts';
import { feedbackDemo } from './feedback.ts';
import { demoOptions, type DemoOptions } from './options.ts';
import { longestMs, perform } from './performance.ts';
import { charts, picture, plots, summary } from './report.ts';
import { Screen } from './screen.ts';
import { Stage } from './stage.ts';
import { clock } from './table.ts';

async function demo(options: DemoOptions, interrupt: AbortSignal): Promise<number> {
  const screen = new Screen(process.stdout);
  if (options.feedbackHours !== undefined) {
    return feedbackDemo(options.feedbackHours, screen, interrupt);
  }
  const stage = await Stage.build(options);
  try {
    interrupt.throwIfAborted();
    screen.say(...opening(stage), '');
    const performance = await perform(stage, screen, interrupt);
    const books = closeBooks(stage, performance.admissions, performance.bounces);
    const drawn = charts(stage, performance);
    screen.say('', ...plots(drawn, screen.colour), '');
    screen.say(...summary(books, performance, options.without), '');
    screen.say(`The plot as a picture: ${await picture(stage, drawn)}`);
    if (options.without) screen.say('The same burst with postpace: npm run demo');
    else screen.say('The same burst without postpace: npm run demo -- --without');
    return books.good && performance.waiting === 0 ? 0 : 1;
  } finally {
    await stage.stop();
  }
}

function opening(stage: Stage): readonly string[] {
  const { mails, without } = stage.options;
  const beside = without ? 'no postpace' : 'postpace (memory store)';
  const seconds = stage.windowMs / 1000;
  return [
    `A private Postfix, ${beside}, and four providers play on loopback.`,
    `An @all reaches ${mails} people: one mail and one SMTP connection each, 100 at once.`,
    without
      ? `A minute is played in ${seconds} s.`
      : `A minute is played in ${seconds} s; the limits let the last one go after ` +
        `${clock(longestMs(stage))}.`,
  ];
}

async function main(argv: readonly string[]): Promise<number> {
  let options: DemoOptions;
  try {
    options = demoOptions(argv);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    process.stderr.write(`demo: ${error.message} (--help tells more)\n`);
    return 2;
  }
  const interrupt = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => {
      // Asked twice: at once; what runs is ended by its keeper.
      if (interrupt.signal.aborted) process.exit(130);
      interrupt.abort();
    });
  }
  try {
    return await demo(options, interrupt.signal);
  } catch (error) {
    if (interrupt.signal.aborted) {
      process.stderr.write('demo: interrupted, everything is ended and removed\n');
      return 130;
    }
    process.stderr.write(`demo: ${error instanceof Error ? error.message : String(error)}\n`);
    return 1;
  }
}

process.exitCode = await main(process.argv.slice(2));
