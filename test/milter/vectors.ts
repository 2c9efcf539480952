/**
 * Frames as they were seen on the wire, one a row: captured between Postfix 3.7.11, miltertest and
 * libmilter 8.17.1, or sent to a live libmilter, which took them.
 */
export interface Vector {
  readonly from: 'mta' | 'milter';
  readonly name: string;
  readonly hex: string;
}

export const VECTORS: readonly Vector[] = [
  {
    from: 'mta',
    name: 'O v6 full offer (Postfix >=2.6 / miltertest / Sendmail 8.14+)',
    hex: '0000000d4f00000006000001ff001fffff',
  },
  {
    from: 'milter',
    name: 'O reply "everything, SKIP ok, all actions" (libmilter)',
    hex: '0000000d4f00000006000001ff00000400',
  },
  {
    from: 'mta',
    name: 'O v2 offer (milter_protocol=2)',
    hex: '0000000d4f00000002000001ff0000007f',
  },
  { from: 'milter', name: 'O reply v2, want all', hex: '0000000d4f000000020000000000000000' },
  {
    from: 'milter',
    name: 'O reply, shaper set: NOHELO+NOBODY+NOHDRS+NOEOH+NOUNKNOWN, macro lists (MAIL, RCPT)',
    hex: '0000004b4f0000000600000100000001720000000269207b617574685f61757468656e7d207b6d61696c5f616464727d000000000369207b726370745f616464727d207b726370745f686f73747d00',
  },
  {
    from: 'milter',
    name: 'O reply, every NO* bit set (0x37f)',
    hex: '0000000d4f00000006000000000000037f',
  },
  {
    from: 'milter',
    name: 'O reply, every NR_* bit set (0xff080)',
    hex: '0000000d4f0000000600000000000ff080',
  },
  {
    from: 'mta',
    name: 'D for C (Postfix defaults)',
    hex: '0000007344436a006d782e746573742e6578616d706c65007b6461656d6f6e5f6e616d657d006d782e746573742e6578616d706c65007b6461656d6f6e5f616464727d003132372e302e302e31007600506f737466697820332e372e3131005f006c6f63616c686f7374205b3132372e302e302e315d00',
  },
  { from: 'mta', name: 'D for H, EMPTY (no TLS)', hex: '000000024448' },
  {
    from: 'mta',
    name: 'D for H with TLS',
    hex: '0000004a44487b746c735f76657273696f6e7d00544c5376312e33007b6369706865727d00544c535f4145535f3235365f47434d5f534841333834007b6369706865725f626974737d0032353600',
  },
  { from: 'mta', name: 'D for U, EMPTY', hex: '000000024455' },
  {
    from: 'mta',
    name: 'C inet',
    hex: '0000001b43686f73742e6578616d706c65003430393139322e302e322e3100',
  },
  {
    from: 'mta',
    name: 'C inet6',
    hex: '0000001b4376362e6578616d706c6500363039323030313a6462383a3a3100',
  },
  {
    from: 'mta',
    name: 'C unknown family (no port, no address)',
    hex: '0000000c43782e6578616d706c650055',
  },
  {
    from: 'mta',
    name: 'C unix (port 0)',
    hex: '0000001e436c6f63616c686f7374004c00002f7661722f72756e2f782e736f636b00',
  },
  {
    from: 'mta',
    name: 'C inet, port 0 (Postfix non_smtpd_milters)',
    hex: '00000018436c6f63616c686f7374003400003132372e302e302e3100',
  },
  { from: 'mta', name: 'H', hex: '0000000b48632e6578616d706c6500' },
  { from: 'mta', name: 'U (Postfix <=3.7: verb only)', hex: '00000008554e4f5355434800' },
  {
    from: 'mta',
    name: 'U (miltertest / Postfix >=3.8: whole line)',
    hex: '0000000d55464f4f204241522062617a00',
  },
  {
    from: 'mta',
    name: 'D for M',
    hex: '0000004a444d7b6d61696c5f616464727d0061406578616d706c652e6f7267007b6d61696c5f686f73747d006578616d706c652e6f7267007b6d61696c5f6d61696c65727d006469736361726400',
  },
  {
    from: 'mta',
    name: 'M with ESMTP args',
    hex: '0000003f4d3c616c696365406578616d706c652e6f72673e00424f44593d384249544d494d450053495a453d31303030005245543d4844525300454e5649443d653100',
  },
  { from: 'mta', name: 'M null sender (SMTP)', hex: '000000044d3c3e00' },
  { from: 'mta', name: 'M null sender (Postfix non_smtpd: one empty string)', hex: '000000024d00' },
  {
    from: 'mta',
    name: 'M without brackets (non_smtpd)',
    hex: '000000114d636c69406578616d706c652e6f726700',
  },
  {
    from: 'mta',
    name: 'D for R, first recipient: no queue id',
    hex: '0000004b44527b726370745f616464727d007231406578616d706c652e6e6574007b726370745f686f73747d006578616d706c652e6e6574007b726370745f6d61696c65727d006469736361726400',
  },
  {
    from: 'mta',
    name: 'R with DSN args',
    hex: '0000003b523c7231406578616d706c652e6e65743e004e4f544946593d4e45564552004f524350543d7266633832323b7231406578616d706c652e6e657400',
  },
  {
    from: 'mta',
    name: 'D for R, rejected recipient (RCPT_REJ negotiated)',
    hex: '0000005d44527b726370745f616464727d00526563697069656e7420616464726573732072656a65637465643a206e6f20737563682075736572007b726370745f686f73747d00352e372e31007b726370745f6d61696c65727d006572726f7200',
  },
  { from: 'mta', name: 'R bare word', hex: '0000000c52706f73746d617374657200' },
  {
    from: 'milter',
    name: 'y single line (a deferral)',
    hex: '000000157934353120342e372e3120736c6f7720646f776e00',
  },
  {
    from: 'milter',
    name: 'y multi-line (CRLF between, none at the end)',
    hex: '0000003e793435302d342e322e31206c696e65206f6e650d0a3435302d342e322e31206c696e652074776f0d0a34353020342e322e31206c696e6520746872656500',
  },
  {
    from: 'milter',
    name: 'y with an escaped percent sign',
    hex: '0000002a7934353120342e372e3120526174652031303025252065786365656465642c20747279206c6174657200',
  },
  {
    from: 'milter',
    name: 'y 421 (drop the SMTP session)',
    hex: '000000177934323120342e372e3020636c6f73696e67206e6f7700',
  },
  { from: 'mta', name: 'T', hex: '0000000154' },
  {
    from: 'mta',
    name: 'L',
    hex: '000000204c46726f6d00416c696365203c616c696365406578616d706c652e6f72673e00',
  },
  {
    from: 'mta',
    name: 'L without LEADSPC, two spaces typed (one eaten)',
    hex: '0000000c4c582d54776f002074776f00',
  },
  {
    from: 'mta',
    name: 'L with LEADSPC, the same header',
    hex: '0000000d4c582d54776f00202074776f00',
  },
  {
    from: 'mta',
    name: 'L folded (LF, not CRLF)',
    hex: '000000114c582d466f6c6400610a2020620a096300',
  },
  { from: 'mta', name: 'L empty value', hex: '0000000a4c582d456d7074790000' },
  { from: 'mta', name: 'N', hex: '000000014e' },
  { from: 'mta', name: 'B', hex: '000000084268656c6c6f0d0a' },
  { from: 'mta', name: 'E without payload', hex: '0000000145' },
  {
    from: 'mta',
    name: 'E with body payload (old Sendmail; libmilter = B then E)',
    hex: '00000007457461696c0d0a',
  },
  { from: 'milter', name: 'c', hex: '0000000163' },
  { from: 'milter', name: 'a', hex: '0000000161' },
  { from: 'milter', name: 'r', hex: '0000000172' },
  { from: 'milter', name: 't', hex: '0000000174' },
  { from: 'milter', name: 'd', hex: '0000000164' },
  { from: 'milter', name: 's', hex: '0000000173' },
  { from: 'milter', name: 'p', hex: '0000000170' },
  { from: 'milter', name: 'h', hex: '0000001368582d4164640061646465642076616c756500' },
  { from: 'milter', name: 'i (index 0)', hex: '000000106900000000582d496e733000746f7000' },
  { from: 'milter', name: 'm change', hex: '000000156d000000015375626a656374006368616e67656400' },
  { from: 'milter', name: 'm delete = empty value', hex: '0000000c6d00000001582d44656c0000' },
  {
    from: 'milter',
    name: 'e (all ESMTP args in ONE string)',
    hex: '00000026653c6e6577406578616d706c652e6f72673e005245543d4844525320454e5649443d61626300',
  },
  { from: 'milter', name: '+', hex: '000000152b3c6578747261406578616d706c652e6f72673e00' },
  {
    from: 'milter',
    name: '2',
    hex: '00000023323c657874726132406578616d706c652e6f72673e004e4f544946593d4e4556455200',
  },
  { from: 'milter', name: '-', hex: '000000122d3c7231406578616d706c652e6f72673e00' },
  {
    from: 'milter',
    name: 'b (no NUL, CRLF lines)',
    hex: '00000013626e657720626f64790d0a6c696e6520320d0a',
  },
  { from: 'milter', name: 'q', hex: '0000000f7168656c6420666f72207465737400' },
  { from: 'mta', name: 'A', hex: '0000000141' },
  { from: 'mta', name: 'Q', hex: '0000000151' },
  { from: 'mta', name: 'K', hex: '000000014b' },
];
