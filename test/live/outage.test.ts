import { outlivesAnOutage } from './outage.ts';

await outlivesAnOutage({ mails: 80, outageMs: 8000, minMs: 1000 });
