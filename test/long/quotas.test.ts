import { lastLeavesWhenSaid } from '../live/quotas.ts';

await lastLeavesWhenSaid({ mails: 600, hour: 300, hourMs: 60_000, day: 1500 });
