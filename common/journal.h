/* SPDX-License-Identifier: BSD-2-Clause */
/* journald's native protocol (systemd.io, JOURNAL_NATIVE_PROTOCOL). */
#ifndef P11_AGENT_COMMON_JOURNAL_H
#define P11_AGENT_COMMON_JOURNAL_H

#include <stddef.h>

struct journal_field {
	const char *name;  /* upper-case letters, digits and '_' */
	const char *value; /* NULL: left out */
};

/*
 * An entry of these fields, for one datagram; a field that has no room any
 * more is left out. Returns its length.
 */
size_t journal_entry(char *out, size_t size,
    const struct journal_field *fields, size_t n);

#endif
