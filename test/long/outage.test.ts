import { outlivesAnOutage } from '../live/outage.ts';

await outlivesAnOutage({ mails: 300, outageMs: 60_000, minMs: 2000 });
