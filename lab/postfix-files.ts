/** The text of a private instance's main.cf, master.cf and transport map. */

export interface PostfixOptions {
  /** Settings of main.cf that replace or add to those below. */
  readonly main?: Readonly<Record<string, string>>;
  /** Lines of master.cf; one with the name and type of a stock service replaces it. */
  readonly master?: readonly string[];
  /**
   * The value of smtpd_milters and non_smtpd_milters: `unix:postpace/milter.sock`,
   * `{ inet:127.0.0.1:1234, default_action=quarantine }`, several separated by commas.
   */
  readonly milters?: string;
  /** smtpd, cleanup and the others that Debian chroots run chrooted. Default false. */
  readonly chroot?: boolean;
  /**
   * Domain -> where its mail goes: the port of a sink on 127.0.0.1, or `transport:nexthop`.
   * `*` is everything that has no line of its own. Without a route a domain bounces (no DNS).
   */
  readonly routes?: Readonly<Record<string, number | string>>;
  /** Domains where every address is good and lands in the maildir. Default lab.test, $mydomain. */
  readonly localDomains?: readonly string[];
  /** Default true. */
  readonly longQueueIds?: boolean;
}

/** Directories of one instance, and its port. */
export interface Layout {
  readonly directory: string;
  readonly configDirectory: string;
  readonly queueDirectory: string;
  readonly dataDirectory: string;
  readonly mailDirectory: string;
  readonly logFile: string;
  readonly port: number;
}

export function layout(directory: string, port: number): Layout {
  return {
    directory,
    configDirectory: `${directory}/config`,
    queueDirectory: `${directory}/queue`,
    dataDirectory: `${directory}/data`,
    mailDirectory: `${directory}/mail`,
    logFile: `${directory}/log/mail.log`,
    port,
  };
}

export function mainCf(at: Layout, options: PostfixOptions): string {
  const settings: Record<string, string> = {
    compatibility_level: '3.6',
    config_directory: at.configDirectory,
    queue_directory: at.queueDirectory,
    data_directory: at.dataDirectory,
    maillog_file: at.logFile,
    maillog_file_prefixes: at.directory,
    myhostname: 'mail.lab.test',
    mydomain: 'lab.test',
    myorigin: '$mydomain',
    mydestination: 'localhost.lab.test',
    mynetworks: '127.0.0.0/8',
    inet_interfaces: '127.0.0.1',
    inet_protocols: 'ipv4',
    biff: 'no',
    alias_maps: '',
    alias_database: '',
    notify_classes: '',
    mail_spool_directory: `${at.mailDirectory}/`,
    virtual_mailbox_domains: (options.localDomains ?? ['lab.test']).join(', '),
    virtual_mailbox_base: at.mailDirectory,
    // virtual(8) allows no substitution here: one maildir, told apart by Delivered-To.
    virtual_mailbox_maps: 'static:all/',
    virtual_uid_maps: 'static:65534',
    virtual_gid_maps: 'static:65534',
    smtpd_relay_restrictions: 'permit_mynetworks, reject',
    // A burst is two hundred connections at once.
    default_process_limit: '300',
    smtpd_client_connection_count_limit: '0',
    transport_maps: `texthash:${at.configDirectory}/transport`,
    disable_dns_lookups: 'yes',
    smtp_host_lookup: 'native',
    smtp_connect_timeout: '5s',
    // Below 5 s the queue manager has left messages stuck.
    queue_run_delay: '5s',
    minimal_backoff_time: '5s',
    maximal_backoff_time: '20s',
    enable_long_queue_ids: (options.longQueueIds ?? true) ? 'yes' : 'no',
    ...(options.milters === undefined
      ? {}
      : { smtpd_milters: options.milters, non_smtpd_milters: options.milters }),
    ...options.main,
  };
  return Object.entries(settings)
    .map(([name, value]) => `${name} = ${value}\n`)
    .join('');
}

export function masterCf(at: Layout, options: PostfixOptions): string {
  const c = (options.chroot ?? false) ? 'y' : 'n';
  const stock = [
    `127.0.0.1:${at.port} inet n - ${c} - - smtpd`,
    `pickup unix n - ${c} 60 1 pickup`,
    `cleanup unix n - ${c} - 0 cleanup`,
    'qmgr unix n - n 300 1 qmgr',
    `rewrite unix - - ${c} - - trivial-rewrite`,
    `bounce unix - - ${c} - 0 bounce`,
    `defer unix - - ${c} - 0 bounce`,
    `trace unix - - ${c} - 0 bounce`,
    `verify unix - - ${c} - 1 verify`,
    `flush unix n - ${c} 1000? 0 flush`,
    'proxymap unix - - n - - proxymap',
    'proxywrite unix - - n - 1 proxymap',
    `smtp unix - - ${c} - - smtp`,
    `relay unix - - ${c} - - smtp`,
    `showq unix n - ${c} - - showq`,
    `error unix - - ${c} - - error`,
    `retry unix - - ${c} - - error`,
    `discard unix - - ${c} - - discard`,
    'local unix - n n - - local',
    'virtual unix - n n - - virtual',
    `lmtp unix - - ${c} - - lmtp`,
    `anvil unix - - ${c} - 1 anvil`,
    `scache unix - - ${c} - 1 scache`,
    'postlog unix-dgram n - n - 1 postlogd',
  ];
  const extra = options.master ?? [];
  const replaced = new Set(extra.map(service));
  return [...stock.filter((line) => !replaced.has(service(line))), ...extra, ''].join('\n');
}

export function transportMap(routes: Readonly<Record<string, number | string>>): string {
  return Object.entries(routes)
    .map(([domain, to]) =>
      typeof to === 'number' ? `${domain} smtp:[127.0.0.1]:${to}\n` : `${domain} ${to}\n`,
    )
    .join('');
}

function service(line: string): string {
  return line.trim().split(/\s+/, 2).join(' ');
}
