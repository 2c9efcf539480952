import t from 'tap';
import { MacroTable } from '../../src/milter/macros.ts';

t.test('a look-up sees its event and those before it', (t) => {
  const table = new MacroTable();
  table.set('C', ['j', 'mx.example', 'v', 'Postfix 3.7.11']);
  table.enter('connect');
  t.equal(table.get('j'), 'mx.example');
  table.set('M', ['{auth_authen}', 'alice']);
  t.equal(table.get('{auth_authen}'), undefined, 'not before its event');
  table.enter('mail');
  t.equal(table.get('{auth_authen}'), 'alice');
  table.set('R', ['i', 'QID']);
  table.enter('rcpt');
  t.equal(table.get('i'), 'QID');
  t.equal(table.get('v'), 'Postfix 3.7.11');
  t.equal(table.get('auth_authen'), undefined, 'names are exact');
  t.end();
});

t.test('a list is of one event: the next recipient does not see that of the last', (t) => {
  const table = new MacroTable();
  table.set('R', ['{rcpt_addr}', 'a@x']);
  table.enter('rcpt');
  t.equal(table.get('{rcpt_addr}'), 'a@x');
  table.set('R', []);
  table.enter('rcpt');
  t.equal(table.get('{rcpt_addr}'), undefined);
  table.set('R', ['{rcpt_addr}', 'b@x']);
  table.enter('rcpt');
  table.enter('rcpt');
  t.equal(table.get('{rcpt_addr}'), undefined, 'nor when no list was sent at all');
  t.end();
});

t.test('headers and body chunks may share one list', (t) => {
  const table = new MacroTable();
  table.set('L', ['i', 'Q']);
  table.enter('header');
  table.enter('header');
  t.equal(table.get('i'), 'Q');
  t.end();
});

t.test('nothing of one message is seen in the next', (t) => {
  const table = new MacroTable();
  table.set('C', ['j', 'mx']);
  table.enter('connect');
  for (const [letter, stage] of [
    ['M', 'mail'],
    ['R', 'rcpt'],
    ['T', 'data'],
    ['E', 'eom'],
  ] as const) {
    table.set(letter, ['i', `old-${letter}`]);
    table.enter(stage);
  }
  t.equal(table.get('i'), 'old-E');
  table.enter('mail');
  t.equal(table.get('i'), undefined, 'a new MAIL without a list');
  table.enter('eom');
  t.equal(table.get('i'), undefined);
  table.set('M', ['i', 'again']);
  table.enter('mail');
  table.endTransaction();
  t.equal(table.get('i'), undefined);
  t.equal(table.get('j'), 'mx', 'the connection is still the same');
  table.reset();
  t.equal(table.get('j'), undefined);
  t.end();
});

t.test('HELO again drops what was said of the message', (t) => {
  const table = new MacroTable();
  table.set('M', ['{auth_authen}', 'alice']);
  table.enter('mail');
  table.set('H', ['{tls_version}', 'TLSv1.3']);
  table.enter('helo');
  t.equal(table.get('{tls_version}'), 'TLSv1.3');
  table.enter('mail');
  t.equal(table.get('{auth_authen}'), undefined);
  t.equal(table.get('{tls_version}'), 'TLSv1.3');
  t.end();
});

t.test('odd lists, unknown letters, UNKNOWN anywhere', (t) => {
  const table = new MacroTable();
  table.set('C', ['j', 'mx', 'lonely']);
  table.set('Z', ['i', 'nobody']);
  table.enter('connect');
  t.equal(table.get('lonely'), undefined);
  t.equal(table.get('i'), undefined);
  table.set('M', ['i', 'Q']);
  table.enter('mail');
  table.set('U', ['{x}', 'y']);
  table.enter('unknown');
  t.equal(table.get('{x}'), 'y');
  t.equal(table.get('i'), 'Q', 'the message goes on');
  table.enter('rcpt');
  t.equal(table.get('i'), 'Q');
  t.end();
});
