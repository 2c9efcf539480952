/** Feedback that moves no limit, and reads deferrals as the daemon does. */
import { createClassifier } from '../../src/feedback/classify.ts';
import { deferralBlames } from '../../src/feedback/deferral.ts';
import { loadRules } from '../../src/feedback/rule-files.ts';
import type { Reported } from '../../src/daemon/feedback-report.ts';
import type { Feedback } from '../../src/pace/ports.ts';

const classifier = createClassifier(loadRules());

export const toldFeedback: Feedback & Reported = {
  report: async () => ({ factor: 1, feedback: null }),
  providers: () => [],
  reopen: async () => undefined,
  read: async () => undefined,
  factor: () => 1,
  places: () => Infinity,
  room: () => undefined,
  claim: async () => true,
  saw: (event) => {
    const { reply, relay, contacted } = event;
    return deferralBlames(event, contacted ? classifier.classify(reply, { relay }) : undefined);
  },
};

/** Nobody hands anything in. */
export const noFeedbackVerbs = {
  list: () => ({ since: 0, counts: {}, events: [] }),
  ingest: () => Promise.reject(new Error('nothing is handed in here')),
};
