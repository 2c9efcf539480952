import t from 'tap';
import { senderKey } from '../../src/mail/origin.ts';

const table: readonly (readonly [
  name: string,
  sender: string,
  login: string | undefined,
  key: string,
])[] = [
  ['the address, in lower case', 'App@Example.ORG', undefined, 'app@example.org'],
  ['without its extension', 'list+anna=a.example@example.org', undefined, 'list@example.org'],
  ['a plus that begins it is no extension', '+1@example.org', undefined, '+1@example.org'],
  ['no domain', 'root', undefined, 'root'],
  ['the null sender', '', undefined, '<>'],
  ['the null sender in brackets', '<>', undefined, '<>'],
  ['a login goes before the address', 'app@example.org', 'Wekan', 'login:wekan'],
  ['a login is never an address', 'x@example.org', 'app@example.org', 'login:app@example.org'],
  ['of a long one the beginning', `${'a'.repeat(400)}@x.example`, undefined, 'a'.repeat(256)],
];
for (const [name, sender, login, key] of table) t.equal(senderKey({ sender, login }), key, name);
