/* SPDX-License-Identifier: BSD-2-Clause */
/* The role "scan": every token of one module, without any login. */
#include "pkcs11/role.h"

#include "common/cleanup.h"
#include "common/frame.h"
#include "common/log.h"
#include "common/text.h"

/* False with *err filled when it cannot be reported. */
static bool
scan_slot(CK_FUNCTION_LIST *module, CK_SLOT_ID id, struct buffer *out,
    struct p11_err *err)
{
	struct token_keys keys = {0};
	struct slot s;

	if (!slot_read(module, id, &s, err))
		return false;
	if (!slot_has_token(module, &s))
		return true;
	if (!slot_read_keys(module, &s, &keys, err))
		return false;
	if (keys.skipped > 0)
		log_info("slot %lu: %zu objects were left out: unreadable, "
		    "or too many", id, keys.skipped);
	slot_wire_put(out, &s, slot_token_flags(&s), &keys);
	token_keys_clear(&keys);
	return true;
}

static void
scan_warn(CK_SLOT_ID id, const struct p11_err *err)
{
	struct wire_error words;

	p11_err_wire(err, &words);
	log_warn("slot %lu: its token is left out: %s %.*s %s", id, err->call,
	    (int)words.rv_name.len, (const char *)words.rv_name.p, err->text);
}

bool
role_scan(int fd, CK_FUNCTION_LIST *module, struct p11_err *err)
{
	CLEANUP(cleanup_free) CK_SLOT_ID *ids = NULL;
	CLEANUP(buffer_cleanup) struct buffer out =
	    BUFFER_INIT(WIRE_REPLY_MAX_BYTES);
	size_t n = 0, tokens = 0;

	if (!slots_list(module, &ids, &n, err))
		return false;
	for (size_t i = 0; i < n && tokens < TOKENS_PER_PROVIDER_MAX; i++) {
		if (!scan_slot(module, ids[i], &out, err))
			scan_warn(ids[i], err);
		if (out.len == 0)
			continue;
		/* At once, for a list that waits for it. */
		if (!frame_write(fd, &out))
			return p11_err_set(err, "", CKR_OK,
			    "the daemon is gone");
		buffer_clear(&out);
		tokens++;
	}
	wire_done_put(&out);
	return frame_write(fd, &out) || p11_err_set(err, "", CKR_OK,
	    "the daemon is gone");
}
