import { survivesAFreeze } from '../live/redis-frozen.ts';

await survivesAFreeze({ mails: 1000, frozenMs: 20_000, perSec: 20, latestMs: 1000 });
