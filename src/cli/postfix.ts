import { group } from './verb.ts';
import { postfixConfigure } from './postfix-configure.ts';
import { postfixGate } from './postfix-gate.ts';
import { postfixUnconfigure } from './postfix-unconfigure.ts';

export const postfix = group({
  configure: ['Put postpace into Postfix as the last milter', postfixConfigure],
  gate: ['A second instance that makes mail wait for its turn', postfixGate],
  unconfigure: ['Take it out again, and release what it holds', postfixUnconfigure],
});
