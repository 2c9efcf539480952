import { feedbackInAnOutage } from '../live/feedback-outage.ts';

await feedbackInAnOutage('killed');
await feedbackInAnOutage('frozen');
