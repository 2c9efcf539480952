/*
 * The reference of the benches: a milter on libmilter that asks Postfix for what postpace asks it
 * for (steps, actions, macro lists) and does nothing with it. bench/rig/offer.ts proves that both
 * answer an offer with the same bytes.
 *
 * usage: noop-milter CONNECTION     as smfi_setconn(3) takes it: unix:/path, inet:port@host
 */
#include <libmilter/mfapi.h>
#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>

static sfsistat on_negotiate(SMFICTX *ctx, unsigned long f0, unsigned long f1, unsigned long f2,
                             unsigned long f3, unsigned long *pf0, unsigned long *pf1,
                             unsigned long *pf2, unsigned long *pf3)
{
    (void)f2;
    (void)f3;
    *pf0 = f0 & (SMFIF_QUARANTINE | SMFIF_SETSYMLIST);
    *pf1 = f1 & (SMFIP_NOHELO | SMFIP_NOUNKNOWN | SMFIP_NOHDRS | SMFIP_NOEOH | SMFIP_NOBODY |
                 SMFIP_NR_MAIL | SMFIP_NR_RCPT);
    *pf2 = *pf3 = 0;
    if (smfi_setsymlist(ctx, SMFIM_ENVFROM, "{auth_authen}") != MI_SUCCESS ||
        smfi_setsymlist(ctx, SMFIM_ENVRCPT, "i {rcpt_addr} {rcpt_host} {rcpt_mailer}") !=
            MI_SUCCESS ||
        smfi_setsymlist(ctx, SMFIM_EOM, "i") != MI_SUCCESS)
        return SMFIS_REJECT;
    return SMFIS_CONTINUE;
}

static sfsistat on_connect(SMFICTX *ctx, char *host, _SOCK_ADDR *address)
{
    (void)ctx;
    (void)host;
    (void)address;
    return SMFIS_CONTINUE;
}

/* MAIL and RCPT: looked at, not answered. */
static sfsistat on_envelope(SMFICTX *ctx, char **words)
{
    (void)ctx;
    (void)words;
    return SMFIS_NOREPLY;
}

static sfsistat on_data(SMFICTX *ctx)
{
    (void)ctx;
    return SMFIS_CONTINUE;
}

int main(int argc, char **argv)
{
    struct smfiDesc milter = {
        .xxfi_name = "noop",
        .xxfi_version = SMFI_VERSION,
        .xxfi_flags = SMFIF_QUARANTINE | SMFIF_SETSYMLIST,
        .xxfi_connect = on_connect,
        .xxfi_envfrom = on_envelope,
        .xxfi_envrcpt = on_envelope,
        .xxfi_eom = on_data,
        .xxfi_data = on_data,
        .xxfi_negotiate = on_negotiate,
    };

    if (argc != 2) {
        fprintf(stderr, "usage: noop-milter CONNECTION\n");
        return EX_USAGE;
    }
    if (smfi_setconn(argv[1]) != MI_SUCCESS || smfi_register(milter) != MI_SUCCESS)
        return EX_UNAVAILABLE;
    smfi_setbacklog(512);
    return smfi_main() == MI_SUCCESS ? EX_OK : EX_UNAVAILABLE;
}
