/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * p11-agent-config: how the daemon calls it and what it answers. It reads
 * files so that the daemon need not: a file system may hang, and libConfuse
 * may end the process.
 *
 *   p11-agent-config load [FILE]    the config; a frame on CONFIG_CHILD_FD
 *   p11-agent-config resolve PATH   the real path; a frame on CONFIG_CHILD_FD
 *   p11-agent-config check [FILE]   words for people, on stdout and stderr
 *   p11-agent-config settings       a line each: name, section ("-": none),
 *                                   type, default; tabs between them
 *
 * p11-agentctl has it change allowed.conf; on stdout come the file's path and
 * the section's title, a line each (see config-edit.h):
 *
 *   p11-agent-config allow NAME FINGERPRINT URI [PUBLIC-KEY]
 *   p11-agent-config deny NAME FINGERPRINT
 *
 * And what outlives the daemon (see pin-store.h); a frame on CONFIG_CHILD_FD:
 *
 *   p11-agent-config pins                 the file of wrong PINs
 *   p11-agent-config pins-set HASH WRONG DOUBT OFF
 *                                         one entry of it; the file's path
 *
 * Exit codes: 0 done, 1 an error that the frame (or stderr) tells,
 * 2 wrong words on the command line, or nobody reads the frame.
 */
#ifndef P11_AGENT_AGENT_CONFIG_CHILD_H
#define P11_AGENT_AGENT_CONFIG_CHILD_H

#include "common/buffer.h"
#include "common/limits.h"
#include "common/reader.h"

struct config;

/*
 * The last line of allowed.conf, printf-style with the number (size_t) of
 * its key sections. Without it, or with another number, it is refused: a cut
 * between two sections must not lose a `deny`.
 */
#define CONFIG_ALLOWED_END "# %zu sections\n"

enum {
	CONFIG_CHILD_FD = 3, /* a stream socket; one frame (common/frame.h) */
	CONFIG_ERROR_MAX_BYTES = 4096,
	CONFIG_REPLY_MAX_BYTES = CONFIG_FLAT_MAX_BYTES + 1,
};

enum config_reply_status {
	CONFIG_REPLY_OK = 0,
	CONFIG_REPLY_ERROR = 1,
};

struct config_reply {
	enum config_reply_status status;
	/*
	 * Never empty. OK: the flat config (see config_parse), a path, or a
	 * file; ERROR: "FILE:LINE: what", printable UTF-8.
	 */
	struct bytes content;
};

/*
 * A frame's body. *ret borrows from it and is unchanged unless PARSE_OK.
 * PARSE_VALUE: an unknown status, no content, an error that is not printable.
 */
enum parse_err config_reply_parse(struct bytes body, struct config_reply *ret);

/*
 * The answer to `resolve`: *ret is an absolute path, and the caller's to
 * free; unchanged unless PARSE_OK. For an OK reply's content.
 */
enum parse_err config_reply_path(struct bytes content, char **ret);

/*
 * Append one whole frame, with status OK (config, path) or ERROR. b has
 * failed when it does not fit.
 */
void config_reply_put_config(struct buffer *b, const struct config *c);
void config_reply_put_bytes(struct buffer *b, struct bytes content);
void config_reply_put_path(struct buffer *b, const char *path);
void config_reply_put_error(struct buffer *b, const char *text);

#endif
