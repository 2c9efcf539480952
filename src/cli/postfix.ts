import { group } from './verb.ts';
import { postfixConfigure } from './postfix-configure.ts';
import { postfixUnconfigure } from './postfix-unconfigure.ts';

export const postfix = group({
  configure: ['Put postpace into Postfix as the last milter', postfixConfigure],
  unconfigure: ['Take it out again, and release what it holds', postfixUnconfigure],
});
