/** Mail that is still on its way to the second hop: it names our transport in its queue file. */
import { runCommand } from './command.ts';
import { isQueueId } from './queue-id.ts';
import { PostfixQueue } from './queue.ts';
import { isSplitFilter } from './split-pieces.ts';

/** postcat takes many ids; a file that has gone in the meantime ends it. */
const AT_A_TIME = 50;

/** Queue ids of the instance's messages with the split set-up's content_filter. Needs root. */
export async function onTheirWay(configDirectory: string): Promise<readonly string[]> {
  const ids: string[] = [];
  for await (const { queueId } of new PostfixQueue(configDirectory).list())
    if (isQueueId(queueId)) ids.push(queueId);
  const found: string[] = [];
  for (let at = 0; at < ids.length; at += AT_A_TIME)
    found.push(...(await withFilter(configDirectory, ids.slice(at, at + AT_A_TIME))));
  return found;
}

async function withFilter(
  configDirectory: string,
  ids: readonly string[],
): Promise<readonly string[]> {
  const argv = ['postcat', '-c', configDirectory, '-qe', ...ids];
  const text = await runCommand(argv).catch(() => undefined);
  if (text !== undefined) return filtered(text);
  // One of them has left: ask for each alone; the one that fails now has left.
  const each = ids.map((id) => runCommand(['postcat', '-c', configDirectory, '-qe', id]));
  const settled = await Promise.allSettled(each);
  return settled.flatMap((one) => (one.status === 'fulfilled' ? filtered(one.value) : []));
}

function filtered(text: string): readonly string[] {
  const found: string[] = [];
  let id = '';
  for (const line of text.split('\n')) {
    id = /^\*\*\* ENVELOPE RECORDS (?:.*\/)?(\w+) \*\*\*$/.exec(line)?.[1] ?? id;
    const filter = /^content_filter: (.*)$/.exec(line)?.[1];
    if (filter !== undefined && isSplitFilter(filter)) found.push(id);
  }
  return found;
}
