import { lastLeavesWhenSaid } from './quotas.ts';

await lastLeavesWhenSaid({ mails: 100, hour: 50, hourMs: 8000, day: 250 });
