/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * OpenSC's C_Initialize waits for every card that another process is using.
 * The setting `ignored_readers` keeps it off the readers named there, so a
 * process that has no business with a reader starts with a copy of opensc.conf
 * that names it (opensc.conf(5), "ignored_readers").
 */
#ifndef P11_AGENT_PKCS11_OPENSC_CONF_H
#define P11_AGENT_PKCS11_OPENSC_CONF_H

#include "pkcs11/error.h"

/*
 * Put text, with the readers merged into `ignored_readers` of its block
 * `app default`, into out; a block or setting that is not there is added, and
 * all other bytes stay as they are. Names that cannot be quoted safely (with
 * a quote or a control character, or empty) are left out.
 * False when the text is not in OpenSC's format; *ret_line is then the line.
 */
bool opensc_conf_merge(struct bytes text, const struct bytes *readers,
    size_t n_readers, struct buffer *out, unsigned int *ret_line);

/*
 * Let an OpenSC that this process loads later ignore the readers: OPENSC_CONF
 * names a changed copy of the file that it names now (else of the one in
 * /etc/opensc; no file is an empty one). Nothing is done for no readers.
 * Call before threads are started. False with *err filled, and the
 * environment unchanged, when that file cannot be used: OpenSC works all the
 * same, it may only be slow to start.
 */
bool opensc_conf_apply(const struct bytes *readers, size_t n_readers,
    struct p11_err *err);

#endif
