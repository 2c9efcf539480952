import { onePaceForTwo } from '../live/redis-pool.ts';

for (let run = 1; run <= 10; run += 1) await onePaceForTwo({ run, mails: 400 });
