import { leavesEvenly } from '../live/even-departure.ts';

await leavesEvenly(300);
