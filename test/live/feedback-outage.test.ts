import { feedbackInAnOutage } from './feedback-outage.ts';

await feedbackInAnOutage('frozen');
