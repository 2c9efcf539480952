import { spawn } from 'node:child_process';

import { ControlError, type Counted } from '../control/api.ts';

const QUEUE_ID = /^[0-9A-Za-z]{6,32}$/;

/**
 * `postsuper -c CONFIG_DIRECTORY -d - hold` with the ids on its standard input. The hold queue is
 * named, so that a message that has meanwhile been released is left alone. postsuper's exit status
 * says nothing about single ids: only its line `postsuper: ID: removed` does (postsuper(1)).
 * Rejects with ControlError when it can't be run or fails as a whole.
 */
export async function deleteFromHold(
  ids: readonly string[],
  configDirectory: string,
  env: Readonly<Record<string, string | undefined>>,
): Promise<Counted> {
  const bad = ids.find((id) => !QUEUE_ID.test(id));
  if (bad !== undefined)
    throw new ControlError(500, `${bad} is not a queue id. Nothing was deleted.`);
  const { status, output } = await postsuper(ids, configDirectory, env);
  const removed = new Set(
    [...output.matchAll(/^postsuper: ([0-9A-Za-z]{6,32}): removed$/gm)].map((each) => each[1]),
  );
  if (status !== 0) {
    throw new ControlError(
      500,
      `postsuper failed with status ${status} after ${removed.size} of ${ids.length}: ${output.trim()}`,
    );
  }
  return {
    done: ids.filter((id) => removed.has(id)),
    failed: ids
      .filter((id) => !removed.has(id))
      .map((queueId) => ({ queueId, why: 'not deleted: no longer in the hold queue' })),
  };
}

function postsuper(
  ids: readonly string[],
  configDirectory: string,
  env: Readonly<Record<string, string | undefined>>,
): Promise<{ readonly status: number | null; readonly output: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn('postsuper', ['-c', configDirectory, '-d', '-', 'hold'], {
      stdio: ['pipe', 'ignore', 'pipe'],
      // `su` without a dash leaves root without the directories of administration.
      env: { ...env, PATH: `${env['PATH'] ?? '/usr/bin:/bin'}:/usr/sbin:/sbin`, LC_ALL: 'C' },
    });
    let output = '';
    child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
      output += chunk;
    });
    child.on('error', (error) => {
      reject(
        new ControlError(500, `postsuper can't be run: ${error.message}. Nothing was deleted.`),
      );
    });
    child.on('close', (status) => resolve({ status, output }));
    // A postsuper that ends before it has read everything is told by its status.
    child.stdin.on('error', () => undefined);
    child.stdin.end(ids.map((id) => `${id}\n`).join(''));
  });
}
