import t from 'tap';

import { createClassifier, type Context } from '../../src/feedback/classify.ts';
import { loadRules } from '../../src/feedback/rule-files.ts';

const { classify } = createClassifier(loadRules());
const ownAddresses = ['192.0.2.25'];
const relay = 'mx.example.org[198.51.100.2]:25';

/** The category, the group, whose doing it is, and who says it, as far as the case is about them. */
type Case = readonly [reply: string, expected: string, context?: Context];

function each(expected: string, replies: readonly string[]): readonly Case[] {
  return replies.map((reply) => [reply, expected]);
}

const CASES: Readonly<Record<string, readonly Case[]>> = {
  'Outlook: S3150, and whose address it names': [
    [
      "550 5.7.1 Unfortunately, messages from [192.0.2.25] weren't sent. Please contact your Internet service provider since part of their network is on our block list (S3150).",
      'ip_blocked blocked ours outlook',
      { provider: 'outlook', ownAddresses, relay },
    ],
    [
      "550 5.7.1 Unfortunately, messages from [203.0.113.77] weren't sent. Please contact your Internet service provider since part of their network is on our block list (S3150).",
      'ip_blocked blocked intermediary outlook',
      {
        provider: 'utc',
        ownAddresses,
        recipient: 'x@hotmail.com',
        originalRecipient: 'x@etu.utc.fr',
      },
    ],
    [
      'host hotmail-com.olc.protection.outlook.com[198.51.100.2] said: 451 4.7.650 The mail server [192.0.2.25] has been temporarily rate limited due to IP reputation. (S843) (in reply to MAIL FROM command)',
      'throttled slow ours outlook',
      {
        provider: 'outlook',
        ownAddresses,
        relay: 'hotmail-com.olc.protection.outlook.com[198.51.100.2]:25',
      },
    ],
    ['451 4.7.651 no words', 'throttled slow'],
    [
      '550 5.7.606 Access denied, banned sending IP [192.0.2.25].',
      'ip_blocked blocked ours',
      { ownAddresses },
    ],
    [
      '554 5.2.121 The sender has exceeded the limit for the number of messages they can send to this recipient per hour.',
      'throttled recipient unknown',
    ],
    ['550 5.7.124 no words', 'bad_mailbox recipient'],
    ['550 5.7.133 no words', 'bad_mailbox recipient'],
    [
      '550 5.4.1 Recipient address rejected: Access denied. [X.eop.prod.protection.outlook.com]',
      'bad_mailbox recipient',
    ],
    [
      '550 5.7.1 Service unavailable, MailFrom domain is listed in Spamhaus. (S8002)',
      'sender_rejected ours',
    ],
  ],
  'UTC: a policy reason, after a large batch': [
    [
      '550 5.7.1 Policy reason (in reply to end of DATA command)',
      'policy judged ours utc',
      { provider: 'utc', ownAddresses, relay },
    ],
    ['550 5.7.1 Policy reason', 'policy judged unknown'],
  ],
  'QQ: limits as 550': [
    [
      '550 Mail content denied. http://service.mail.qq.com/cgi-bin/help?subtype=1&&id=20022&&no=1000726',
      'content judged unknown qq',
    ],
    ['550 Ip frequency limited', 'throttled slow unknown qq'],
    ['550 Sender frequency limited', 'throttled slow unknown qq'],
    ['550 Domain frequency limited', 'throttled slow unknown qq'],
    ['550 Connection frequency limited', 'throttled slow unknown qq'],
    ['450 4.7.0 [postpace 550] Ip frequency limited', 'throttled slow unknown qq'],
    ['450 4.7.0 [postpace 550] Mail content denied', 'content judged unknown qq'],
    [
      '550 Mailbox unavailable or access denied',
      'throttled recipient unknown qq',
      { provider: 'qq' },
    ],
    ['550 Mailbox unavailable or access denied', 'bad_mailbox recipient'],
    [
      '550 Suspected spam ip. Blocked IP 192.0.2.25',
      'ip_blocked blocked ours qq',
      { ownAddresses },
    ],
  ],
  'Orange: the number decides': [
    ['550 5.2.0 Mail rejete. Mail rejected. ofr_506 [506]', 'content judged unknown orange'],
    [
      '421 mwinf5c79 ME Trop de connexions, veuillez verifier votre configuration. OFR005_104 [104]',
      'throttled weather',
    ],
    [
      '421 mwinf5c77 ME Service refuse. Veuillez essayer plus tard. Service refused, please try later. OFR_999 [999]',
      'throttled slow',
    ],
    [
      '421 4.2.0 Service refuse. Veuillez essayer plus tard. Service refused, please try later. OFR005_505 [505]',
      'throttled slow',
    ],
    [
      '550 mwinf5c10 ME Service refuse. Veuillez essayer plus tard. Service refused, please try later. OFR006_103 192.0.2.25 [103]',
      'ip_blocked blocked ours',
      { ownAddresses },
    ],
    [
      '550 mwinf5c04 ME Adresse IP source bloquee pour incident de spam. OFR006_102 Ref http://csi.cloudmark.com/reset-request/?ip=192.0.2.25 [102]',
      'ip_blocked blocked',
    ],
    [
      '550 5.1.1 Adresse d au moins un destinataire invalide. Invalid recipient. OFR_416 [416]',
      'bad_mailbox recipient',
    ],
    [
      '552 5.1.1 Boite du destinataire pleine. Recipient overquota. OFR_417 [417]',
      'mailbox_full recipient',
    ],
    ['501 5.1.0 Emetteur invalide. Invalid Sender. OFR004_405 [405]', 'sender_rejected ours'],
    ['550 5.7.1 DMARC verification failed OFR_515 [515]', 'auth_failure ours'],
  ],
  'La Poste: the same numbers': [
    [
      '421 Too many connections, slow down. LPN105_104',
      'throttled weather unknown laposte',
      { provider: 'laposte' },
    ],
    ['450 4.7.1 Service refuse. Veuillez essayer plus tard. LPN027_503', 'throttled slow'],
    [
      '550 5.5.0 The emails sent to the mail host Laposte.net were blocked by our services. LPN007_102',
      'ip_blocked blocked',
    ],
    [
      '550 5.7.1 Service refuse. Veuillez essayer plus tard. service refused, please try later. LPN007_510',
      'content judged',
    ],
    [
      '550 5.5.0 Le compte du destinataire est bloque. The recipient account isblocked. LPN007_426',
      'bad_mailbox recipient',
    ],
    ['571 5.7.1 Message refused, DMARC verification Failed. LPN007_517', 'auth_failure ours'],
  ],
  'Bluewin: a limit as 554': [
    ['554 5.2.0 sc969: IP reputation ratelimit in effect', 'throttled slow unknown bluewin.ch'],
  ],
  'Gmail: one mailbox, or our address': [
    [
      '450-4.2.1 The user you are trying to contact is receiving mail at a rate that 450-4.2.1 prevents additional messages from being delivered. 450 4.2.1 https://support.google.com/mail/?p=ReceivingRate',
      'throttled recipient',
    ],
    [
      '450 4.2.1 The user you are trying to contact is receiving mail too quickly.',
      'throttled recipient',
    ],
    [
      '421 4.7.28 Gmail has detected an unusual rate of unsolicited mail originating from your IP address.',
      'throttled slow',
    ],
    [
      '421 4.7.0 [192.0.2.25 15] Our system has detected an unusual rate of unsolicited mail originating from your IP address.',
      'throttled slow ours gmail',
      { ownAddresses },
    ],
    [
      '550 5.7.28 There is an unusual rate of unsolicited mail originating from your IP address.',
      'throttled slow',
    ],
    [
      '550 5.7.1 [192.0.2.25] likely suspicious due to the very low reputation of the sending IP address.',
      'ip_blocked blocked ours',
      { ownAddresses },
    ],
    [
      '550 5.7.1 likely suspicious due to the very low reputation of the sending domain.',
      'policy judged',
    ],
    [
      '421 4.7.26 This mail has been rate limited because it is unauthenticated.',
      'auth_failure ours',
    ],
    [
      "421 4.7.29 Your email has been rate limited because this message wasn't sent over a TLS connection.",
      'throttled ours',
    ],
    [
      '550 5.7.25 The IP address sending this message does not have a PTR record setup',
      'bad_rdns ours',
    ],
    [
      "552 5.2.2 The recipient's inbox is out of storage space and inactive.",
      'mailbox_full recipient',
    ],
  ],
  'Free and SFR': [
    [
      '421 Too many spams from your IP (192.0.2.25), please visit http://postmaster.free.fr/',
      'ip_blocked blocked ours free',
      { provider: 'free', ownAddresses },
    ],
    [
      '421 too many errors from your IP (192.0.2.25), please visit http://postmaster.free.fr/',
      'throttled slow',
    ],
    ['550 spam detected', 'content judged unknown free', { provider: 'free' }],
    ['550 5.2.1 This mailbox has been blocked due to inactivity', 'bad_mailbox recipient'],
    [
      '450 4.7.1 Client host rejected: Service refused due to bad behavior SFR_IN_105',
      'throttled slow',
    ],
    [
      '450 4.7.1 Client host rejected: Service refused due to bad behavior SFR_IN_101',
      'ip_blocked blocked',
    ],
    [
      '554 5.7.1 <example.com[192.0.2.25]>: Client host rejected: Abus detecte GU_EIB_02',
      'ip_blocked blocked ours',
      { ownAddresses },
    ],
  ],
  'Yahoo: TS and TSS': [
    [
      '421 4.7.0 [TS01] Messages from 192.0.2.25 temporarily deferred due to user complaints - 4.16.55.1',
      'throttled slow ours yahoo',
      { ownAddresses },
    ],
    [
      '421 4.7.0 [TSS04] Messages from 192.0.2.25 temporarily deferred due to unexpected volume or user complaints - 4.16.55.1',
      'throttled slow ours',
      { ownAddresses },
    ],
    [
      '421 4.7.1 [TS03] All messages from 192.0.2.25 will be permanently deferred; Retrying will NOT succeed.',
      'ip_blocked blocked',
    ],
    [
      '553 5.7.1 [BL21] Connections will not be accepted from 192.0.2.25',
      'dnsbl blocked ours',
      { ownAddresses },
    ],
    ['450 User is receiving mail too quickly', 'throttled recipient'],
    [
      '553 Mail from 192.0.2.25 not allowed - VS98-IP0 deferred',
      'throttled slow unknown yahoo-jp',
      { provider: 'yahoo-jp' },
    ],
    [
      '554 5.7.9 Message not accepted for policy reasons. See https://senders.yahooinc.com/error-codes',
      'policy judged',
    ],
  ],
  'NetEase, GMX, iCloud': [
    ['421 HL:ICC 163 mx1,too many connections', 'throttled weather unknown netease'],
    ['421 HL:IFC 163 mx1', 'throttled slow'],
    ['554 MI:STC 163 mx1', 'throttled slow'],
    ['554 DT:SPM 163 mx1', 'content judged'],
    ['554 HL:IHU 163 mx1', 'ip_blocked blocked'],
    ['450 DT:RBL 163 mx1', 'dnsbl blocked'],
    [
      '421 Rate limit reached. Please try again later',
      'throttled slow unknown gmx',
      { provider: 'gmx' },
    ],
    ['554 Transaction failed Reject due to policy restrictions.', 'policy judged'],
    [
      '421 web.de (mxweb113) Nemesis ESMTP Service not available Service unavailable Reject due to policy restrictions',
      'throttled slow',
    ],
    ['550 <x@web.de>: Bad DNS PTR resource record', 'bad_rdns ours'],
    [
      '421 4.7.1 Messages to x@icloud.com deferred due to excessive volume. Try again later',
      'throttled slow unknown icloud',
    ],
    ['550 5.7.1 [CS01] Message rejected due to local policy.', 'policy judged'],
    [
      '550 5.7.1 Your email was rejected due to having a domain present in the Spamhaus DBL',
      'content judged',
    ],
    [
      '550 5.7.1 Mail from IP 192.0.2.25 was rejected due to listing in Spamhaus SBL.',
      'dnsbl blocked ours',
      { ownAddresses },
    ],
  ],
  'Spamhaus: a list of addresses, a list of domains, and no answer at all': [
    [
      '554 5.7.1 Service unavailable; Client host [192.0.2.25] blocked using zen.spamhaus.org; https://www.spamhaus.org/query/ip/192.0.2.25',
      'dnsbl blocked ours',
      { ownAddresses },
    ],
    [
      '554 5.7.1 Service unavailable; Client host [203.0.113.9] blocked using zen.spamhaus.org',
      'dnsbl blocked intermediary',
      { ownAddresses },
    ],
    [
      '554 5.7.1 Service unavailable; Sender address [a@example.org] blocked using dbl.spamhaus.org; https://www.spamhaus.org/query/domain/example.org',
      'sender_rejected ours',
    ],
    ['550 5.7.1 Message contains a link listed at dbl.spamhaus.org', 'content judged'],
    [
      '554 5.7.1 Service unavailable; Client host [192.0.2.25] blocked using zen.spamhaus.org; Error: open resolver; https://www.spamhaus.org/returnc/pub/198.51.100.53',
      'remote_system weather unknown',
      { ownAddresses },
    ],
    [
      '554 5.7.1 Service unavailable; Client host [192.0.2.25] blocked using multi.uribl.com; 127.0.0.1 -> Query Refused. See http://uribl.com/refused.shtml',
      'remote_system weather unknown',
      { ownAddresses },
    ],
    [
      '521 5.7.1 Service unavailable; client [192.0.2.25] blocked using zen.spamhaus.org 127.255.255.254',
      'remote_system weather',
    ],
  ],
  'Vade Secure, Comcast, AOL: the code decides': [
    [
      '550 5.7.1 Connection refused - BTIN001_105 - https://postmaster-bt.vadesecure.com/inbound_error_codes/#_105',
      'bad_rdns ours unknown vadesecure.com',
    ],
    [
      '421 4.2.1 Connection deferred - BTIN001_110 - https://postmaster-bt.vadesecure.com/inbound_error_codes/#_110',
      'throttled weather',
    ],
    [
      '421 4.2.1 Connection deferred - BTIN001_136 - https://postmaster-bt.vadesecure.com/inbound_error_codes/#_136',
      'throttled slow',
    ],
    ['550 5.2.0 BL001101 Blocked', 'dnsbl blocked unknown comcast'],
    ['550 5.2.0 BL000000 Blocked', 'ip_blocked blocked unknown comcast'],
    ['550 5.2.0 ES000010 Blocked', 'ip_blocked blocked unknown comcast'],
    ['421 4.7.1 : (DNS:NR) http://postmaster.info.aol.com/errors/421dnsnr.html', 'bad_rdns ours'],
    ['421 4.7.1 : (RLY:B3) http://postmaster.info.aol.com/errors/421rlyb3.html', 'throttled slow'],
    ['421 Message temporarily deferred - 4.16.51.', 'throttled slow unknown yahoo'],
  ],
  'refused by a server, or by none': [
    ['Connection refused', 'network weather'],
    ['451 4.4.1 mx.example.org: Connection refused', 'network weather'],
    ['550 5.4.1 mx.example.org: Connection refused', 'network weather'],
    [
      '554 mx.example.org Connection refused from 192.0.2.25',
      'ip_blocked blocked ours',
      { ownAddresses },
    ],
    ['554 5.7.1 Connection refused. IP name lookup failed for 192.0.2.25', 'bad_rdns ours'],
    [
      'host mx.example.org[198.51.100.2] refused to talk to me: 554 5.7.1 Policy',
      'ip_blocked blocked',
    ],
    ['554 5.7.1 Policy', 'policy judged'],
  ],
  'one mailbox, and all of them': [
    ['450 4.2.1 The recipient has exceeded their incoming message limit', 'throttled recipient'],
    ['452 4.2.1 Too many messages to this mailbox per hour', 'throttled recipient'],
    ['450 4.7.1 Error: too many recipients from 192.0.2.25', 'throttled slow'],
    ['452 4.5.3 Error: too many recipients', 'local_config ours'],
    ['550 User has too many messages on the server', 'mailbox_full recipient'],
    [
      '554 5.7.1 <a@example.org>: Recipient address rejected: Access denied',
      'bad_mailbox recipient',
    ],
  ],
  'what any Postfix says, and what iCloud means by it': [
    ['451 4.7.1 Service unavailable - try again later', 'remote_system weather'],
    [
      '451 4.7.1 Service unavailable - try again later',
      'throttled slow unknown icloud',
      { provider: 'icloud' },
    ],
    ['451 Resources temporarily unavailable', 'remote_system weather'],
    [
      '451 Resources temporarily unavailable',
      'throttled slow unknown yahoo',
      { provider: 'yahoo' },
    ],
    [
      '451 4.3.5 <a@example.org>: Sender address rejected: Server configuration problem',
      'remote_system weather',
    ],
    ['451 qq write error or disk full (#4.3.0)', 'remote_system weather'],
    ['550 5.7.1 <mx>: Helo command rejected: Access denied', 'local_config ours'],
    ['421 4.2.1 Deferred', 'remote_system weather'],
  ],
  'our address refused in few words': [
    ['421 IP REJECT: 192.0.2.25', 'ip_blocked blocked ours', { ownAddresses }],
    ['554 Bad IP 192.0.2.25', 'ip_blocked blocked'],
    ['550 5.7.1 IP 192.0.2.25 rejected', 'ip_blocked blocked'],
    ['550 IP: 192.0.2.25, You are not allowed to send us mail', 'ip_blocked blocked'],
    ['554 5.7.1 Connection from 192.0.2.25 refused', 'ip_blocked blocked'],
    ['554 5.7.1 Access denied for [192.0.2.25]', 'ip_blocked blocked'],
    ['550 Mail from 192.0.2.25 refused, see http://example.org/block-lookup', 'ip_blocked blocked'],
    ['550 5.7.1 Your host is not permitted', 'ip_blocked blocked'],
    ['550 We do not accept mail from your hoster', 'ip_blocked blocked'],
    ['554 5.7.1 No mail accepted from this host', 'ip_blocked blocked'],
    ['554 5.7.1 192.0.2.25 is in our deny list', 'ip_blocked blocked'],
    ['550 Host 192.0.2.25 temporarily blocked', 'ip_blocked blocked'],
    [
      '554 5.7.1 Service unavailable; Client host [192.0.2.25] blocked by dul.example.org',
      'dnsbl blocked ours',
      { ownAddresses },
    ],
  ],
  'a block in other languages': [
    ['550 5.7.1 Votre adresse IP 192.0.2.25 est bloquée', 'ip_blocked blocked'],
    ['550 Ihre IP-Adresse 192.0.2.25 wurde gesperrt', 'ip_blocked blocked'],
    ['550 Il tuo IP 192.0.2.25 è stato bloccato', 'ip_blocked blocked'],
    ['550 Su IP 192.0.2.25 ha sido rechazada', 'ip_blocked blocked'],
    ['550 Adres IP 192.0.2.25 jest zablokowany', 'ip_blocked blocked'],
    ['550 IP 192.0.2.25 odmítnuta', 'ip_blocked blocked'],
    ['451 Zu viele Nachrichten, bitte später', 'throttled slow'],
    ['451 Limite d’envoi dépassée', 'throttled slow'],
    ['451 Przekroczono limit', 'throttled slow'],
    ['550 Użytkownik nie istnieje', 'bad_mailbox recipient'],
    ['552 Postfach ist voll', 'mailbox_full recipient'],
    ['550 Boîte inexistante', 'bad_mailbox recipient'],
  ],
  'limits without the word rate': [
    ['452 Message limit exceeded for your host', 'throttled slow'],
    ['451 4.7.1 More than 50 messages/min', 'throttled slow'],
    ['421 4.7.0 Hourly quota reached', 'throttled slow'],
    ['450 4.7.1 Burst of mails, please wait', 'throttled slow'],
    ['552 5.2.2 Message limit exceeded', 'mailbox_full recipient'],
    ['550 5.2.2 Too many messages', 'mailbox_full recipient'],
  ],
  'an address that is named, and another reason': [
    ['550 Mail from 192.0.2.25 refused: no such user', 'bad_mailbox recipient'],
    ['554 5.7.1 Relaying from 192.0.2.25 denied', 'domain_error recipient'],
    ['550 5.7.1 Mail from 192.0.2.25 rejected: no reverse DNS', 'bad_rdns ours'],
    ['554 5.7.1 192.0.2.25 rejected: PTR missing', 'bad_rdns ours'],
    ['550 5.7.23 SPF check: 192.0.2.25 not permitted', 'auth_failure ours'],
    ['554 5.7.1 Mail from 192.0.2.25 rejected as spam', 'content judged'],
    ['451 4.7.1 Your host 192.0.2.25 is greylisted', 'greylisted weather'],
    ['421 4.7.0 Too many connections from your host', 'throttled weather'],
    ['421 4.4.2 Connection from 192.0.2.25 timed out', 'network weather'],
    ['530 5.7.0 TLS is required, connection from 192.0.2.25 denied', 'local_config ours'],
    ['451 4.3.0 Mail from 192.0.2.25 temporarily refused: system error', 'remote_system weather'],
  ],
  'refused by one recipient, or for the sender': [
    ['550 5.7.1 Blocked by recipient', 'bad_mailbox recipient'],
    ["550 You are on the recipient's blacklist", 'bad_mailbox recipient'],
    ['550 Recipient does not accept mail from you', 'bad_mailbox recipient'],
    ['550 5.2.1 User has been blocked', 'bad_mailbox recipient'],
    ['550 5.7.1 Sender address is blacklisted', 'sender_rejected ours'],
    ['550 Your domain has been blocked', 'sender_rejected ours'],
  ],
  'families: lists, by using, by and at them': each('dnsbl blocked', [
    '554 5.7.1 Client host [192.0.2.25] refused using bl.example.org',
    '450 4.7.1 Client [192.0.2.25] deferred using the Trend Micro reputation database',
    '554 5.7.1 Mail from 192.0.2.25 filtered using bl.example.net',
    '550 Rejected by zen.spamhaus.org',
    '553 5.3.0 Mail from 192.0.2.25 refused by dul.example.org',
    '554 192.0.2.25 found in bl.example.org',
    '550 192.0.2.25 deferred by Barracuda reputation',
    '550 5.7.1 Listed at SpamCop, URL: https://www.spamcop.net/bl.shtml',
    '554 5.7.1 Blocked using bl.spamcop.net; see URL http://spamcop.net/bl.shtml?192.0.2.25',
    '571 5.7.1 Mail from 192.0.2.25 has been blocked by Trend Micro ERS',
  ]),
  'families: our address, refused in two or three words': each('ip_blocked blocked', [
    '550 Black IP',
    '550 Requested action not taken: invalid IP',
    '550 IP put in jail: ip in jail',
    '550 Transaction failed (SPAM_SUSPECT:IP_BLOCK)',
    '554 IP_BLOCKED',
    '554 IP-BLOCK 192.0.2.25',
    '550 Suspect IP',
    '550 dirty IP',
    '554 5.7.1 Prohibited IP',
    '554 Refused - 192.0.2.25',
    '554 Denied - IP 192.0.2.25',
    '550 Bad source IP',
    '421 refused IP 192.0.2.25',
    "550 We don't like your IP",
    '554 Host banned',
    '554 This host is refused',
    '553 Mail from your site is not accepted',
    '553 sorry, mail from your location is refused',
    '550 We have blocked your server',
    '550 IP on hold due to abuse',
    '550 5.7.1 Your mail server has been blacklisted by the recipient',
    '554 mx.example.org Service not available; your IP is banned',
    '550 AUP: we no longer take mail from dynamically assigned addresses',
  ]),
  'families: spam and abuse beside a refusal': each('ip_blocked blocked', [
    '554 Access denied for spamming, ask your provider',
    '554 5.7.1 <mail.example.org[192.0.2.25]>: Client host rejected: #12 SPAM example.org',
    '554 5.7.1 Client host rejected: too much spam',
    '550 Connection refused, spam received from 192.0.2.25',
    '550 Connection rejected: we received spam from your server',
    '550 Your server sends spam',
    '421 4.7.0 Your IP is suspected of sending spam',
    '554 Service refused: abusive host',
    '550 Your machine is on a list of infected hosts',
    '554 Negative reputation: 192.0.2.25',
    '550 very poor karma: bad karma score',
    '554 5.7.1 Your IP has been reported for spam, access denied',
  ]),
  'families: blocks in other languages': each('ip_blocked blocked', [
    "550 Accès refusé pour l'adresse IP 192.0.2.25",
    '550 Connexion refusée depuis 192.0.2.25',
    '554 IP bloquée pour spam',
    '554 IP gesperrt',
    '550 Ihre IP 192.0.2.25 ist gesperrt',
    '554 Zugriff verweigert für 192.0.2.25',
    '554 Wir nehmen keine Mails von Ihrem Server an',
    '550 Acceso denegado para 192.0.2.25',
    '554 IP bloqueada',
    '554 Accesso negato per 192.0.2.25',
    '554 IP bloqueado por spam',
    '554 Odrzucono: IP 192.0.2.25',
  ]),
  'families: limits, misspelt and in other words': each('throttled slow', [
    '421 to many messages from your ip',
    '452 Too many mesages sent',
    '421 4.7.0 Too mutch mail from your host',
    '421 Rate limit exceded',
    '450 4.7.1 Sender rejected: to many mails sent in the last 5 minutes from this IP',
    '452 4.3.1 You have reached the maximum number of emails for today',
    '450 not more than 20 mails in 10 minutes',
    '450 mail limit per minute exceeded',
    '451 4.7.1 Abnormal sending behaviour, try again later',
    '550 5.7.1 Your account exceeded its hour limit',
    '550 User has exceeded the outgoing email quota',
    '550 5.7.1 Your 24-hour sending limit is over: exceeded its 24-hour sending limit',
  ]),
  'families: limits in other languages': each('throttled slow', [
    '450 Você excedeu o limite de envio',
    '450 Atingiu o limite de envio de mensagens por hora',
    '450 Ha superado el límite de envíos por hora',
    '450 Se ha alcanzado el límite de correos por hora',
    '450 Hai superato il limite di invio',
    '450 Vous avez dépassé le nombre de messages autorisés par heure',
    "450 Quota d'envoi atteint",
    '450 Débit trop élevé',
    '450 Das Sendelimit wurde überschritten',
    '450 Maximale Anzahl Mails pro Stunde überschritten',
    '450 Zu schnell, bitte langsamer senden',
    '450 Zbyt dużo wiadomości',
    '450 Verzendlimiet overschreden',
  ]),
  'families: our sender': each('sender_rejected ours', [
    '550 Fake sender address',
    '550 Bogus sender',
    '554 Spoofed sender',
    '550 The sender address is unroutable',
    '550 The domain of the sender has no MX or A record: sender has no MX',
    '553 invalid return path',
    '553 MAIL FROM refused',
    '550 This server refuses the sender',
    '550 Sender is on the blacklist of this domain',
    '550 Postmaster verification failed: sender verify failed',
    '553 5.7.1 For your MAIL FROM address we take no mail',
    '550 Absender nicht erlaubt',
    '550 Expéditeur inconnu',
    '550 Remitente rechazado',
    '550 Mittente non valido',
    '550 Nadawca odrzucony',
    'host mx.example.org[198.51.100.2] said: 553 example.org does not exist (in reply to MAIL FROM command)',
  ]),
  'families: SPF, reverse names and encryption': [
    ...each('auth_failure ours', [
      '550 [SPF] host 192.0.2.25 is not allowed to send for example.org',
      '550 192.0.2.25 is not authorized to send mail for the domain example.org',
      '554 5.7.1 Client host rejected: SPF hard fail',
      '550 DMARC: message blocked',
      "550 The sender's policy prohibits this message",
      '550 SPF-Prüfung fehlgeschlagen',
    ]),
    ...each('bad_rdns ours', [
      '550 IPv6 address rejected: it does not have a reverse lookup name',
      '550 Su IP 192.0.2.25 no tiene DNS inverso, rechazada',
      '550 IP-Adresse 192.0.2.25 hat keinen Reverse-Eintrag, abgelehnt',
      '550 Your host has no hostname, connection refused',
    ]),
    ...each('local_config ours', [
      '550 IP rejected: mail must be sent with encryption',
      '450 4.7.1 Server requires TLS 1.2',
      '550 TLS mandatory, connection rejected',
      '550 Unverschlüsselte Verbindung abgelehnt',
    ]),
  ],
  'families: one mailbox': [
    ...each('bad_mailbox recipient', [
      '554 5.7.1 Client host rejected: no such user jane',
      '554 RCPT <jane@example.org> doesnt exist',
      '550 5.7.1 External senders may not write to this group',
      '550 5.7.1 Delivery is restricted to authorized senders',
      '550 Account discontinued by its user',
    ]),
    ...each('mailbox_full recipient', [
      '552 too many mails in this mailbox',
      '552 mail box space not enough',
    ]),
  ],
  "families: the other side's scanner and disk": each('remote_system weather', [
    '450 4.3.0 The spam filter could not be started: initialization failed',
    '454 This mail could not be scanned for viruses',
    '421 4.3.0 content filter timed out',
    '451 4.3.0 No space left on device',
    '421 4.3.2 Spazio esaurito sul disco del server',
    '451 4.7.1 DNSBL lookup of 192.0.2.25 failed',
  ]),
  'Cox and Charter: a code at the end': [
    ['554 IPBL0100 - Refused', 'dnsbl blocked unknown cox.net'],
    ['421 Too many sessions AUP#CXCNCT', 'throttled weather'],
    ['554 server not available AUP#I-1010', 'ip_blocked blocked unknown charter.net'],
    ['554 5.7.1 AUP#In-1320', 'throttled slow'],
  ],
  'what Exim writes around a reply': [
    [
      'SMTP error from remote mail server after RCPT TO:<jane@example.org>: host mx.example.org [198.51.100.2]: 550 This message is blocked',
      'policy judged',
      { ownAddresses },
    ],
  ],
  'a status without a code': [
    [
      '5.7.1 <mail.example.org[192.0.2.25]>: Client host rejected: Access denied',
      'ip_blocked blocked ours',
      { ownAddresses },
    ],
    ['4.7.1 Client host rejected', 'greylisted weather'],
  ],
  'what must not tighten': [
    ['421 4.4.2 mx.example.org Error: timeout exceeded', 'network weather'],
    ['421 4.4.2 mx.example.org Idle timeout, closing channel', 'network weather'],
    [
      'conversation with mx.example.org[198.51.100.2] timed out while receiving the initial server greeting',
      'network weather',
    ],
    ['lost connection with mx.example.org[198.51.100.2] while sending RCPT TO', 'network weather'],
    ['connect to mx.example.org[198.51.100.2]:25: Connection refused', 'network weather'],
    [
      'TLS is required, but was not offered by host mx.example.org[198.51.100.2]',
      'local_config ours',
    ],
    ['Server certificate not trusted', 'local_config ours'],
    ['Cannot start TLS: handshake failure', 'network weather'],
    [
      'Host or domain name not found. Name service error for name=example.org type=MX: Host not found',
      'domain_error recipient',
    ],
    [
      'unable to look up host mx.example.org: Temporary failure in name resolution',
      'network weather',
    ],
    [
      '450 4.2.0 <a@example.org>: Recipient address rejected: Greylisted, see http://postgrey.schweikert.ch/',
      'greylisted weather',
    ],
    ['451 4.7.1 Greylisting in action, please come back in 300 seconds', 'greylisted weather'],
    [
      '421 4.7.0 mx.example.org Error: too many connections from 192.0.2.25',
      'throttled weather',
      { ownAddresses },
    ],
    ['452 4.2.2 Mailbox full', 'mailbox_full recipient'],
    ['550 5.1.1 User unknown', 'bad_mailbox recipient'],
    ['250 2.0.0 OK: queued', 'delivered good'],
    ['', 'other weather unknown'],
    ['no idea', 'other weather unknown'],
  ],
};

for (const [name, cases] of Object.entries(CASES)) {
  t.test(name, async (test) => {
    for (const [reply, expected, context] of cases) {
      const { category, group, blames, provider, rule } = classify(reply, context);
      const wanted = expected.split(' ');
      const found = [category, group, blames, provider].slice(0, wanted.length);
      test.same(found, wanted, `${reply} (${rule})`);
    }
  });
}

t.test('a named mailbox is no word of the reply', async (test) => {
  test.equal(classify('550 <throttled@spam.example>: no').category, 'bad_mailbox');
});

t.test('nothing fits: no rule, the provider that the mail was for', async (test) => {
  test.same(classify('no idea', { provider: 'qq' }), {
    category: 'other',
    group: 'weather',
    provider: 'qq',
    rule: undefined,
    blames: 'unknown',
    holdMs: undefined,
  });
});

t.test("how long a provider keeps it up comes along, and another's does not", async (test) => {
  test.equal(
    classify('421 4.7.0 [TSS04] Messages from 192.0.2.1 temporarily deferred').holdMs,
    2 * 3600e3,
  );
  test.equal(classify('421 4.7.0 Try again later, closing connection.').holdMs, undefined);
});
