/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * OpenSC's C_Initialize waits for every card that another process is using.
 * The setting `ignored_readers` keeps it off the readers named there, so a
 * process that has no business with a reader starts with a copy of opensc.conf
 * that names it (opensc.conf(5)).
 */
#ifndef P11_AGENT_PKCS11_OPENSC_CONF_H
#define P11_AGENT_PKCS11_OPENSC_CONF_H

#include "pkcs11/error.h"

/* Which readers OpenSC shall leave alone. */
struct opensc_readers {
	const struct bytes *ignored; /* their names */
	size_t n_ignored;
	struct bytes own; /* the one that it shall serve, or empty */
};

/*
 * Put the text of an opensc.conf into out with the ignored readers added to
 * `ignored_readers` of its block `app default`; a setting or block that is
 * not there is added, and the text's own bytes all stay. OpenSC looks for a
 * name anywhere in a reader's: one that is part of `own` is left out, as is
 * an empty one and one that cannot be quoted (with a quote or a control
 * character).
 * False, out unchanged, when the text is not in OpenSC's format; *ret_line is
 * then the line. out->failed says when memory is out.
 */
bool opensc_conf_merge(struct bytes text, const struct opensc_readers *readers,
    struct buffer *out, unsigned int *ret_line);

/*
 * Let an OpenSC that this process loads later ignore the readers: makes
 * OPENSC_CONF name a changed copy of the file that it names now (where it is
 * not set, of the installed one; no file is an empty one). Without ignored
 * readers it does nothing. Call it before threads are started. False with
 * *err filled, and the environment unchanged, when the file cannot be used:
 * OpenSC works all the same, it may only be slow to start.
 */
bool opensc_conf_apply(
    const struct opensc_readers *readers, struct p11_err *err);

#endif
