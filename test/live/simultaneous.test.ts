import { passesTheBurst } from './simultaneous.ts';

await passesTheBurst(2);
