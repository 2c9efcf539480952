import { group } from './verb.ts';
import { postfixConfigure } from './postfix-configure.ts';
import { postfixGate } from './postfix-gate.ts';
import { postfixReplyFilter } from './postfix-reply-filter.ts';
import { postfixUnconfigure } from './postfix-unconfigure.ts';

export const postfix = group({
  configure: ['Put postpace into Postfix as the last milter', postfixConfigure],
  gate: ['A second instance that makes mail wait for its turn', postfixGate],
  'reply-filter': ['Take a 5xx that is no last word as 4xx, by provider', postfixReplyFilter],
  unconfigure: ['Take it out again, and release what it holds', postfixUnconfigure],
});
