import { passesTheBurst } from '../live/simultaneous.ts';

await passesTheBurst(10);
