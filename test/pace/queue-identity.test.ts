import * as fc from 'fast-check';
import t from 'tap';
import { fileKey, identityOf } from '../../src/pace/queue-identity.ts';

/** As Postfix writes them (mail_queue.h): an alphabet without vowels; the inode has no `z`. */
const DIGITS = '0123456789BCDFGHJKLMNPQRSTVWXYZbcdfghjklmnpqrstvwxyz';

function based(value: number, base: number, width: number): string {
  let text = '';
  for (let rest = value; rest > 0; rest = Math.floor(rest / base)) {
    text = DIGITS.charAt(rest % base) + text;
  }
  return text.padStart(width, '0');
}

function shortId(microseconds: number, inode: number): string {
  return `${microseconds.toString(16).padStart(5, '0')}${inode.toString(16)}`.toUpperCase();
}

function longId(seconds: number, microseconds: number, inode: number): string {
  return `${based(seconds, 52, 6)}${based(microseconds, 52, 4)}z${based(inode, 51, 0)}`;
}

const seconds = fc.integer({ min: 1_000_000_000, max: 4_000_000_000 });
const microseconds = fc.integer({ min: 0, max: 999_999 });
const inode = fc.integer({ min: 1, max: 2 ** 52 });

t.test('both forms of an id tell the same time and inode', async (t) => {
  fc.assert(
    fc.property(seconds, microseconds, inode, (sec, usec, ino) => {
      const expected = { microseconds: usec, inode: ino.toString(16) };
      const [short, long] = [shortId(usec, ino), longId(sec, usec, ino)];
      return (
        t.same(identityOf(short), expected) &&
        t.same(identityOf(long), expected) &&
        fileKey(short) === fileKey(long)
      );
    }),
    { numRuns: 200 },
  );
});

t.test('another inode or another microsecond is another file', async (t) => {
  const id = longId(1_790_000_000, 123_456, 261_932);
  t.equal(fileKey(id), fileKey(shortId(123_456, 261_932)));
  t.not(fileKey(id), fileKey(shortId(123_457, 261_932)));
  t.not(fileKey(id), fileKey(shortId(123_456, 261_933)));
});

t.test('what is no queue id has no identity', async (t) => {
  for (const text of [
    '',
    'ABCD',
    '4bXYzAEIOUz1',
    '../../etc/passwd',
    'G0000123',
    'maildrop',
    'z',
  ]) {
    t.equal(identityOf(text), undefined, text);
    t.equal(fileKey(text), undefined, text);
  }
});
