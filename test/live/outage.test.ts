import { outlivesAnOutage } from './outage.ts';

await outlivesAnOutage({ mails: 100, outageMs: 10_000, minMs: 1000 });
