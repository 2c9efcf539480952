/** The configuration as the program uses it: every default filled in, every unit converted. */
import type { Limits } from '../limit/limits.ts';
import type { TextPattern } from '../mail/text-pattern.ts';
import type { DnsServer } from '../provider/dns-exchange.ts';
import type { Mode, Provider } from '../provider/provider.ts';

/** Where a server listens or a client connects. */
export type Endpoint =
  | { readonly kind: 'unix'; readonly path: string }
  | { readonly kind: 'inet'; readonly host: string; readonly port: number }
  /** The descriptor that systemd passes (LISTEN_FDS), by FileDescriptorName or the first one. */
  | { readonly kind: 'systemd'; readonly name?: string };

/** A root helper: a socket that carries the command's standard streams, or an argv to spawn. */
export type Helper =
  | { readonly kind: 'unix'; readonly path: string }
  | { readonly kind: 'command'; readonly argv: readonly string[] };

/** A Redis that hosts share. Several hosts are Sentinels, or nodes of a Cluster. */
export interface RedisConfig {
  readonly kind: 'redis';
  readonly topology: 'single' | 'sentinel' | 'cluster';
  readonly tls: boolean;
  readonly hosts: readonly { readonly host: string; readonly port: number }[];
  /** The master's name, with Sentinel. */
  readonly master?: string;
  readonly user?: string;
  readonly password?: string;
  readonly db: number;
}

/** Mail of a lane: all conditions of the rule, and one of the values of each. At least one is there. */
export interface LaneRule {
  /** Addresses or `@domain`, lower case; matched against the reverse-path. */
  readonly senders?: readonly string[];
  readonly logins?: readonly TextPattern[];
  /** IP addresses, or networks as `192.0.2.0/24`. */
  readonly clients?: readonly string[];
  /** Names as the file writes them. */
  readonly headers?: readonly { readonly name: string; readonly values: readonly TextPattern[] }[];
}

export interface LaneConfig {
  readonly name: string;
  /** Addresses or `@domain`, lower case; matched against the reverse-path. */
  readonly senders: readonly string[];
  readonly rules: readonly LaneRule[];
  /** Overrides the general maxHoldMs. */
  readonly maxHoldMs?: number;
}

/** A mailbox that reports come to. */
export interface ImapConfig {
  readonly host: string;
  readonly port: number;
  /** TLS from the first byte, or by STARTTLS; the server's certificate is checked. */
  readonly tls: 'tls' | 'starttls';
  /** Certificates to trust in place of the system's, as PEM. */
  readonly caFile?: string;
  readonly user: string;
  /** A file whose first line is the password. */
  readonly passwordFile: string;
  readonly mailbox: string;
  /** Where reports are moved once they were read; absent: the mailbox is only read. */
  readonly moveTo?: string;
}

export interface Config {
  /** The file it came from; undefined: the defaults alone. */
  readonly file?: string;
  readonly listen: Endpoint;
  readonly mode: Mode;
  /** Where mail may be refused for now, and how long it may wait there instead. */
  readonly tempfail: {
    /** Ports of Postfix (`{daemon_port}`) that only mail servers with a queue deliver to. */
    readonly ports: readonly number[];
    /** Longest wait for a recipient's turn before it is refused; 0: refused at once. */
    readonly waitMs: number;
  };
  readonly store: 'memory' | RedisConfig;
  /** Hosts whose Redis and pool are the same share their limits. */
  readonly pool: string;
  readonly redis: {
    /** A file whose first line is the password. */
    readonly passwordFile?: string;
    readonly sentinelPasswordFile?: string;
    /** Certificates to trust in place of the system's, as PEM. */
    readonly caFile?: string;
  };
  readonly stateDir: string;
  readonly control: string;
  readonly logLevel: 'debug' | 'info' | 'warn' | 'error';
  readonly postfix: {
    readonly configDirectory: string;
    readonly release: Helper;
    readonly hold: Helper;
    /** `postsuper -f -`; only needed for onMaxHold 'bounce'. */
    readonly expire?: Helper;
    /** Replaces what postconf -M says leaves the machine. */
    readonly outboundTransports?: readonly string[];
  };
  readonly dns: {
    /** Whether destinations that no provider lists are grouped by their MX hosts. */
    readonly groupByMx: boolean;
    /** In order of preference; absent: those of /etc/resolv.conf. */
    readonly servers?: readonly DnsServer[];
  };
  /** IP addresses that other servers see us come from, as the file lists them; empty: not given. */
  readonly ownAddresses: readonly string[];
  readonly feedback: {
    /** File path, 'journal', 'none', or 'auto': the file if it is there, else the journal. */
    readonly log: string;
    /** systemd unit or syslog identifier prefix for the journal. */
    readonly journalUnit?: string;
    /** Whether what providers answer moves their limits. */
    readonly adjust: boolean;
    /** How much faster than in life limits climb back: 1, and more in a trial. */
    readonly timeScale: number;
    /** Rules whose 5xx the reply filter turns as well. */
    readonly notFinal: readonly string[];
    /** Whether mail carries a token by which reports of it are known again. */
    readonly token: boolean;
    /** The key of the tokens, for hosts that share one; absent: one of this host's own. */
    readonly tokenKeyFile?: string;
    /** Where reports are read from; absent: nowhere. */
    readonly imap?: ImapConfig;
  };
  /** Who is told of what a person should look at; nothing set: the log alone. */
  readonly alerts: {
    /** An address, or the name of a local mailbox. */
    readonly mail?: string;
    /** Executed with the alert as JSON on its standard input. */
    readonly command?: readonly string[];
  };
  /** Every destination that no provider names has a bucket of its own under these. */
  readonly default: Limits;
  /** The built-in ones as the file changed them, then the file's own; no domain is in two. */
  readonly providers: readonly Provider[];
  /** Best first; always has transactional, default and bulk, in that order. */
  readonly lanes: readonly LaneConfig[];
  /** undefined: a quarter of maximal_queue_lifetime. */
  readonly maxHoldMs?: number;
  readonly onMaxHold: 'release' | 'bounce' | 'keep';
  readonly adopt: 'evidence' | 'all';
  /** How often the real queue is compared with our records. */
  readonly reconcileMs: number;
  /** Backoff of a deferred message and of probes: first wait, longest wait. */
  readonly retry: { readonly minMs: number; readonly maxMs: number };
}

/** Bad configuration: exit 78. The message names file, line, key, what was found and expected. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
}
