import { survivesAFreeze } from './redis-frozen.ts';

await survivesAFreeze({ mails: 80, frozenMs: 2000, perSec: 20, latestMs: 3000 });
