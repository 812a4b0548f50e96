/* SPDX-License-Identifier: BSD-2-Clause */
/* The role "scan": every token of one module, without any login. */
#include "pkcs11/role.h"

#include "common/cleanup.h"
#include "common/frame.h"
#include "common/log.h"
#include "common/text.h"

struct scan {
	int fd; /* to the daemon */
	CK_FUNCTION_LIST *module;
	const struct wire_start *start;
	struct progress progress;
	struct buffer out;
	bool closed; /* the daemon takes no more */
};

static void
scan_flush(struct scan *s)
{
	if (s->out.len > 0 && !frame_write(s->fd, &s->out))
		s->closed = true;
	buffer_clear(&s->out);
}

static void
scan_progress(void *arg, const struct buffer *frame)
{
	struct scan *s = arg;

	if (!frame_write(s->fd, frame))
		s->closed = true;
}

/*
 * Report one slot; *later is set when that is for when all others were
 * looked at, and left out unless it is. The daemon hears of each step before
 * it is made, as it may be the last one. False with *err filled when it
 * cannot be reported.
 */
static bool
scan_slot(struct scan *s, CK_SLOT_ID id, struct wire_slot w, bool *later,
    struct p11_err *err)
{
	const struct wire_left_out *l = wire_left_out_place(s->start, w.place);
	struct token_keys keys = {0};
	bool again = *later;
	struct slot slot;

	*later = l != NULL && l->last;
	if (l != NULL && !again)
		return true;
	wire_slot_put(&s->out, &w);
	scan_flush(s);
	if (!slot_read(s->module, id, &slot, err))
		return false;
	slot.place = w.place;
	w.id = slot_token_id(&slot);
	l = wire_left_out_token(s->start, w.place, &w.id);
	*later |= l != NULL && l->last;
	if (l != NULL && !again)
		return true;
	wire_slot_put(&s->out, &w);
	scan_flush(s);
	if (!slot_has_token(s->module, &slot))
		return true;
	if (!slot_read_keys(s->module, &slot, &s->progress, &keys, err))
		return false;
	if (keys.skipped > 0)
		log_info("slot %lu: %zu objects were left out: unreadable, "
		    "or too many", id, keys.skipped);
	slot_wire_put(&s->out, &slot, slot_token_flags(&slot), &keys);
	token_keys_clear(&keys);
	/* At once, for a list that waits for it. */
	scan_flush(s);
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

/* All of them; then, behind all others, those that were left for later. */
static bool
scan_slots(struct scan *s, const CK_SLOT_ID *ids, size_t n)
{
	CLEANUP(cleanup_free) bool *later = calloc(n + 1, sizeof(*later));
	struct p11_err err;

	for (int round = 0; later != NULL && round < 2; round++)
		for (size_t i = 0; i < n && !s->closed; i++) {
			struct wire_slot w = {
				.place = slot_place_of(i, n),
				.waiting = round > 0 ? 0 :
				    (uint32_t)(n - 1 - i),
				.last = round > 0,
			};

			if (round > 0 && !later[i])
				continue;
			err = (struct p11_err){.call = ""};
			if (!scan_slot(s, ids[i], w, &later[i], &err))
				scan_warn(ids[i], &err);
		}
	return later != NULL;
}

bool
role_scan(int fd, CK_FUNCTION_LIST *module, const struct wire_start *start,
    struct p11_err *err)
{
	CLEANUP(cleanup_free) CK_SLOT_ID *ids = NULL;
	struct scan s = {
		.fd = fd,
		.module = module,
		.start = start,
		.progress = {.send = scan_progress, .arg = &s},
		.out = BUFFER_INIT(2 * WIRE_REPLY_MAX_BYTES),
	};
	size_t n = 0;

	if (!slots_list(module, &ids, &n, err))
		return false;
	if (!scan_slots(&s, ids, n))
		return p11_err_set(err, "", CKR_HOST_MEMORY, NULL);
	wire_done_put(&s.out);
	scan_flush(&s);
	return !s.closed || p11_err_set(err, "", CKR_OK,
	    "the daemon is gone");
}
