/* SPDX-License-Identifier: BSD-2-Clause */
/* Text that came from a peer, a token or a file, made fit to be shown. */
#ifndef P11_AGENT_COMMON_TEXT_H
#define P11_AGENT_COMMON_TEXT_H

#include "common/bytes.h"

/*
 * Copy into out (size > 0 bytes, always NUL-terminated): valid UTF-8 stays,
 * control characters (C0, DEL, C1, also bidi overrides) and bytes that are no UTF-8
 * become '?', and what does not fit is cut between characters.
 * Returns out.
 */
char *text_printable(struct bytes text, char *out, size_t size);

/*
 * A PKCS#11 text field (CK_TOKEN_INFO.label and the like): blank-padded, not
 * terminated. The view without the padding and without trailing NULs.
 */
struct bytes text_unpad(struct bytes field);

/* "01ab…" of bytes, as lower-case hex; cut to what fits. Returns out. */
char *text_hex(struct bytes b, char *out, size_t size);

#endif
