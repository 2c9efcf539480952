import { leavesEvenly } from './even-departure.ts';

await leavesEvenly(60);
