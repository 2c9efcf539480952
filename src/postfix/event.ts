/**
 * What a line of the Postfix log says, as far as pacing and feedback need it. A line that says
 * nothing of the kind parses to undefined; it is never an error.
 */

interface Line {
  /** Milliseconds since the epoch, from the line's stamp (or the journal's). */
  readonly atMs: number;
  /** `smtp`, `smtpd`, `cleanup`, `qmgr`, `postsuper`, …: what follows `postfix[-instance]/`. */
  readonly program: string;
  readonly pid: number;
}

/** One delivery attempt of one recipient. */
export interface DeliveryEvent extends Line {
  readonly kind: 'delivery';
  readonly queueId: string;
  readonly recipient: string;
  /** `orig_to=`, where the recipient was rewritten. */
  readonly origTo?: string;
  /** `mx.example.org[192.0.2.1]:25`, `none`, `local`, … */
  readonly relay: string;
  readonly status: 'sent' | 'deferred' | 'bounced' | 'expired' | 'deliverable' | 'undeliverable';
  /** Enhanced status code. */
  readonly dsn: string;
  /** The text in parentheses: what the other side said, or what Postfix says. */
  readonly reply: string;
  readonly delaySec: number;
  /**
   * false: an echo (`relay=none`, `delivery temporarily suspended`), for which no contact was made, or a
   * line that can be read in two ways: no evidence.
   */
  readonly contacted: boolean;
}

/** How the queue manager begins when it keeps mail back because of what the mail before it heard. */
export const ECHO = 'delivery temporarily suspended';

/** Whether the reply is such an echo. A stranger may use the words too, further on. */
export function isEcho(reply: string): boolean {
  return reply.startsWith(ECHO);
}

/** A message went to hold. */
export interface HoldEvent extends Line {
  readonly kind: 'hold';
  readonly queueId: string;
  readonly by: 'milter' | 'check' | 'operator';
  /** For a milter: `CONNECT`, `MAIL`, `RCPT`, `DATA`, `END-OF-MESSAGE`. */
  readonly stage?: string;
  readonly text: string;
}

/** Postfix could not talk to a milter. The socket as Postfix names it. */
export interface MilterTroubleEvent extends Line {
  readonly kind: 'milter-trouble';
  readonly service: string;
  readonly text: string;
}

export type LogEvent =
  | DeliveryEvent
  | HoldEvent
  | MilterTroubleEvent
  | (Line & { readonly kind: 'released' | 'removed' | 'requeued'; readonly queueId: string })
  /** postsuper or a reload gave the file a new name. */
  | (Line & { readonly kind: 'renamed'; readonly queueId: string; readonly newId: string })
  /** smtpd or pickup took a message; `origQueueId` on the second pass of the split set-up. */
  | (Line & {
      readonly kind: 'accepted';
      readonly queueId: string;
      readonly client: string;
      readonly origQueueId?: string;
    })
  /**
   * smtpd decided to hold before the message had a queue id: it means the next message that the
   * same process takes.
   */
  | (Line & {
      readonly kind: 'hold-ahead';
      readonly by: 'milter' | 'check';
      readonly stage?: string;
      readonly text: string;
    })
  /** The process turns to another client (smtpd) or message (cleanup). */
  | (Line & { readonly kind: 'turn' })
  /** Too old for Postfix: returned to its sender as a whole. */
  | (Line & { readonly kind: 'expired'; readonly queueId: string; readonly sender: string })
  /** The queue manager took it up: sender and size. */
  | (Line & {
      readonly kind: 'active';
      readonly queueId: string;
      readonly sender: string;
      readonly recipients: number;
    });
