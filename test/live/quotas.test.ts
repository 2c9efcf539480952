import { lastLeavesWhenSaid } from './quotas.ts';

await lastLeavesWhenSaid({ mails: 150, hour: 75, hourMs: 12_000, day: 375 });
