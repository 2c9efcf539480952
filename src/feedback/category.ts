/**
 * What a reply can mean, and what pacing does about it: the words of a classification. A category is
 * what the other side says; a group is what follows from it.
 */

export const CATEGORIES = [
  'throttled',
  'ip_blocked',
  'dnsbl',
  'policy',
  'content',
  'complaint',
  'auth_failure',
  'bad_rdns',
  'sender_rejected',
  'local_config',
  'greylisted',
  'network',
  'remote_system',
  'bad_mailbox',
  'mailbox_full',
  'domain_error',
  'too_large',
  'auto_reply',
  'delivered',
  'other',
] as const;

export type Category = (typeof CATEGORIES)[number];

export const GROUPS = [
  'slow',
  'blocked',
  'judged',
  'ours',
  'weather',
  'recipient',
  'good',
] as const;

/**
 * slow: send less. blocked: stop, then probe. judged: counts when it repeats. ours: something of ours
 * to mend, slowing does not help. weather: passes by itself. recipient: this one address. good: taken.
 */
export type Group = (typeof GROUPS)[number];

const GROUP_OF: Readonly<Record<Category, Group>> = {
  throttled: 'slow',
  ip_blocked: 'blocked',
  dnsbl: 'blocked',
  policy: 'judged',
  content: 'judged',
  complaint: 'judged',
  auth_failure: 'ours',
  bad_rdns: 'ours',
  sender_rejected: 'ours',
  local_config: 'ours',
  greylisted: 'weather',
  network: 'weather',
  remote_system: 'weather',
  bad_mailbox: 'recipient',
  mailbox_full: 'recipient',
  domain_error: 'recipient',
  too_large: 'recipient',
  auto_reply: 'recipient',
  delivered: 'good',
  // A text that says nothing we know must not change a limit.
  other: 'weather',
};

/**
 * The group that a category belongs to. A rule may set another for `throttled`: too many connections
 * are weather, a limit of one mailbox is its recipient's, and a limit on mail without TLS is ours to
 * mend.
 */
export function groupOf(category: Category): Group {
  return GROUP_OF[category];
}
