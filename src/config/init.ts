/**
 * The configuration that `postpace config init` prints: every key with its default, commented out,
 * so that the file as printed changes nothing. `#key:` is a key to uncomment, `# ` is prose.
 */
export function initText(): string {
  return INIT;
}

const INIT = `# postpace.yaml: how fast mail may leave for each mailbox provider.
#
# Every key may be left out; what stands here commented out is its default, or an example where that
# is said. Take the # away from a line (and from the line it belongs under) to change it.
# Rates: 20/min, 5/s, 300/h, 1500/day, 20/2s. Times: 90s, 30m, 2h, 1d.
# "postpace config check" reads this file and names each mistake by its line.

# Where Postfix finds the milter: unix:/path, inet:127.0.0.1:8892, or systemd (the socket that
# postpace.socket passes).
#listen: unix:/var/spool/postfix/postpace/milter.sock

# hold: mail over its limit waits in Postfix's hold queue. observe: nothing is changed, only logged.
# tempfail: recipients over the limit are answered 451, at the ports that are named below. THIS LOSES
# MAIL wherever the client does not try again, and applications do not: Mattermost, WordPress,
# Nextcloud and nearly all others drop what is refused. Name only ports where none but mail servers
# with a queue of their own deliver. At every other port, and for sendmail(1), tempfail means hold.
#mode: hold
# Examples. wait: a recipient waits so long for its turn before it is refused (at most 4m; not at all
# if left out), which "postpace postfix gate" is made for.
#tempfail:
#  ports: [10025]
#  wait: 20s

# Where limits are counted. memory: in this daemon, kept in state_dir across restarts. Hosts that
# send from one address share a Redis, as redis://user@host:6379/0, and there the same pool; the
# password is best kept in a file, as in
# redis: { password_file: /etc/postpace/redis.password }
#store: memory
#pool: postpace
#state_dir: /var/lib/postpace

# The socket of the postpace command.
#control: /run/postpace/control.sock

# debug, info, warn or error. Addresses are logged at debug only.
#log_level: info

# Postfix, and the helpers that run postsuper as root: a socket of systemd, or a command.
#postfix:
#  config_directory: /etc/postfix
#  release: unix:/run/postpace/release.sock
#  hold: unix:/run/postpace/hold.sock
# Examples. expire is needed for "on_max_hold: bounce" alone; outbound_transports replaces what
# master.cf says about which transports leave the machine.
#  expire: [sudo, -n, postsuper, -f, '-']
#  outbound_transports: [smtp, slow]

# Domains that no provider lists are grouped by their MX hosts: those whose MX is at Outlook count for
# Outlook. servers is an example; without it /etc/resolv.conf tells.
#dns:
#  group_by_mx: true
#  servers: [127.0.0.1, '[::1]:5353']

# The addresses that other servers see this one come from. An example; without it Postfix's own
# settings and the interfaces tell.
#own_addresses: [192.0.2.25, '2001:db8::25']

# The Postfix log: auto (the file if it is there, else the journal), journal, none, or a path.
#feedback:
#  log: auto
# Whether what providers answer moves their limits: on, or off.
#  adjust: on
# on: mail that leaves gets a header by which a report of it is known (docs/feedback.md). Hosts that
# read each other's reports share a key, such as token_key_file: /etc/postpace/feedback.key
#  token: off
# Rules whose 5xx the reply filter turns into 4xx too (docs/reply-filter.md), as [qq/content-denied].
#  not_final: []
# An example: the unit whose journal it is, where there is more than one Postfix.
#  journal_unit: postfix@-.service
# An example: a mailbox that bounces and complaints come to. TLS from the first byte (port 993), or
# tls: starttls; with move_to: Read those that were read are moved, else the mailbox is only read.
#  imap: { host: imap.example.org, user: bounces, password_file: /etc/postpace/imap.password }

# Who is told when a provider blocks us or refuses mail for something of ours to mend: an address by
# mail, a command that is given the alert as JSON (docs/alerts.md). Examples; without them the log is.
#alerts:
#  mail: postmaster@example.org
#  command: [/usr/local/bin/tell-the-postmaster]

# Each destination that no provider names has these limits for itself.
# pace: one recipient every window/N, at most burst of them back to back (a tenth of N if left out).
# quotas: in no time of that length more than N. in_flight: messages with Postfix at the same time.
# none instead of a pace or of in_flight: unlimited.
# per_sender, here and under a provider: what each sender may send within these limits, such as
# per_sender: { pace: 10/min, quotas: [600/day] }
#default:
#  pace: 60/min
#  burst: 10
#  quotas: []
#  in_flight: 5

# Providers. Many are built in ("postpace config show" lists them); naming one here changes only the
# parts that are named. A domain stands for itself, not for its subdomains. Examples:
#providers:
#  utc: { domains: [utc.fr, etu.utc.fr], pace: 20/min, burst: 3, quotas: [300/h, 1500/day] }
#  outlook: { pace: 5/min, in_flight: 1 }
#  example.org: { pace: 5/min, mode: observe }

# Lanes: transactional mail goes before default, default before bulk. Senders are addresses, or
# @domain for all of a domain; who isn't listed is in default. rules go by sender, login, client and
# header; * stands for anything, all conditions of a rule must be met, the first rule wins. Examples:
#lanes:
#  transactional: { senders: [noreply@example.org], max_hold: 2h }
#  bulk: { senders: ['@lists.example.org'], rules: [{ header: { List-Unsubscribe: '*' } }] }

# How long a message may be held (an example; a quarter of maximal_queue_lifetime if left out), and
# what happens then: release, bounce or keep.
#max_hold: 1d
#on_max_hold: release

# Mail that was held while postpace was down: evidence takes over what the Postfix log shows to be
# ours; all takes over everything that is held.
#adopt: evidence

# How often the records are compared with Postfix's queue.
#reconcile: 1m

# How long deferred mail waits before it is tried again: at first, and at most.
#retry:
#  min: 1m
#  max: 30m
`;
