/* SPDX-License-Identifier: BSD-2-Clause */
/* Children of the daemon, played by an input. */
#include "tests/fuzz/play-link.h"

#include <sys/queue.h>
#include <sys/types.h>

#include "agent/allowlist.h"
#include "agent/link.h"
#include "common/log.h"
#include "pkcs11/wire.h"
#include "prompt/question.h"
#include "tests/agent/world.h"
#include "tests/fuzz/fuzz.h"

enum { LINKS_MAX = 32, SIGNATURE_BYTES = 64 };

struct link {
	TAILQ_ENTRY(link) entry;
	const struct link_events *events;
	void *arg;
	struct buffer out;
	const char *why; /* it was killed */
	bool busy;	 /* a callback runs */
	bool forgotten;
};

static TAILQ_HEAD(, link) links = TAILQ_HEAD_INITIALIZER(links);

struct link *__wrap_link_start(struct agent *agent,
    const struct link_spec *spec, const struct link_events *events, void *arg);
struct buffer *__wrap_link_out(struct link *l);
void __wrap_link_flush(struct link *l);
pid_t __wrap_link_pid(const struct link *l);
void __wrap_link_kill(struct link *l, const char *why);
struct link *__wrap_link_forget(struct link *l);
struct link *__wrap_link_release(struct link *l);
void __wrap_link_end(struct link *l, const struct link_events *events,
    void *arg);

size_t
play_links(void)
{
	const struct link *l;
	size_t n = 0;

	TAILQ_FOREACH(l, &links, entry)
		n++;
	return n;
}

static void
link_destroy(struct link *l)
{
	TAILQ_REMOVE(&links, l, entry);
	buffer_clear(&l->out);
	free(l);
}

struct link *
__wrap_link_start(struct agent *agent, const struct link_spec *spec,
    const struct link_events *events, void *arg)
{
	struct link *l;

	(void)agent;
	/* As when the system has no process left. */
	if (play_links() >= LINKS_MAX)
		return NULL;
	l = calloc(1, sizeof(*l));
	FUZZ_CHECK(l != NULL);
	l->events = events;
	l->arg = arg;
	l->out = BUFFER_INIT(spec->out_max_bytes);
	TAILQ_INSERT_TAIL(&links, l, entry);
	return l;
}

struct buffer *
__wrap_link_out(struct link *l)
{
	FUZZ_CHECK(!l->forgotten);
	return &l->out;
}

void
__wrap_link_flush(struct link *l)
{
	FUZZ_CHECK(!l->forgotten && !l->out.failed);
	buffer_clear(&l->out);
}

pid_t
__wrap_link_pid(const struct link *l)
{
	(void)l;
	return 1;
}

void
__wrap_link_kill(struct link *l, const char *why)
{
	FUZZ_CHECK(!l->forgotten);
	if (l->why == NULL)
		l->why = why;
}

struct link *
__wrap_link_forget(struct link *l)
{
	if (l == NULL)
		return NULL;
	FUZZ_CHECK(!l->forgotten);
	l->forgotten = true;
	if (!l->busy)
		link_destroy(l);
	return NULL;
}

struct link *
__wrap_link_release(struct link *l)
{
	return __wrap_link_forget(l);
}

void
__wrap_link_end(struct link *l, const struct link_events *events, void *arg)
{
	l->events = events;
	l->arg = arg;
	__wrap_link_kill(l, "ended");
}

uint8_t
play_u8(struct play_input *in)
{
	uint8_t v;

	if (in->rest.len == 0)
		return 0;
	v = in->rest.p[0];
	in->rest = bytes_of(in->rest.p + 1, in->rest.len - 1);
	return v;
}

struct bytes
play_string(struct play_input *in)
{
	size_t len = play_u8(in);
	struct bytes out;

	if (len > in->rest.len)
		len = in->rest.len;
	out = bytes_of(in->rest.p, len);
	in->rest = bytes_of(in->rest.p + len, in->rest.len - len);
	return out;
}

/* On a block of its own, where a sanitizer sees a byte too far. */
static void
link_says(struct link *l, struct bytes body)
{
	uint8_t *p = NULL;
	size_t len;

	/* As in link.c, nothing is taken of one that was killed. */
	if (body.len == 0 || l->why != NULL)
		return;
	FUZZ_CHECK(bytes_dup(body, &p, &len));
	l->busy = true;
	l->events->frame(l->arg, bytes_of(p, len));
	l->busy = false;
	free(p);
	if (l->forgotten)
		link_destroy(l);
}

static void
link_ends(struct link *l, const char *why)
{
	l->busy = true;
	l->events->ended(l->arg, why);
	/* Some forget it from inside, as they may. */
	link_destroy(l);
}

void
play_settle(void)
{
	struct link *l;

	do {
		TAILQ_FOREACH(l, &links, entry)
			if (l->why != NULL)
				break;
		if (l != NULL)
			link_ends(l, l->why);
	} while (l != NULL);
}

static void
say_sign_result(struct link *l, struct play_input *in)
{
	struct buffer b = BUFFER_INIT(WIRE_REPLY_MAX_BYTES);
	uint8_t signature[SIGNATURE_BYTES] = {1};
	struct wire_sign_result w = {
		.id = play_u8(in),
		.signature = bytes_of(signature, sizeof(signature)),
	};
	uint8_t how;

	how = play_u8(in);
	w.outcome = (enum wire_outcome)((how & 15) % (WIRE_ERROR + 1));
	w.renewed = (how & 64) != 0;
	w.pin = (enum wire_pin)((how >> 4 & 3) % (WIRE_PIN_TRIED + 1));
	w.flags = play_u8(in);
	if (w.outcome != WIRE_OK)
		w.signature = BYTES_NONE;
	wire_sign_result_put(&b, &w);
	link_says(l, bytes_of(b.p + 4, b.len - 4));
	buffer_clear(&b);
}

static void
say_login_result(struct link *l, struct play_input *in)
{
	struct buffer b = BUFFER_INIT(WIRE_REPLY_MAX_BYTES);
	struct wire_login_result w = {.id = play_u8(in)};
	uint8_t how = play_u8(in);

	w.outcome = (enum wire_outcome)((how & 15) % (WIRE_ERROR + 1));
	w.pin_in_doubt = (how & 128) != 0;
	w.flags = play_u8(in);
	wire_login_result_put(&b, &w);
	link_says(l, bytes_of(b.p + 4, b.len - 4));
	buffer_clear(&b);
}

/* A person's, or a cache's. */
static void
say_answer(struct link *l, struct play_input *in)
{
	struct buffer b = BUFFER_INIT(WIRE_REPLY_MAX_BYTES);
	struct answer a = {.secret = play_string(in)};

	a.status = (enum answer_status)(play_u8(in) % 3);
	a.unattended = (play_u8(in) & 1) != 0;
	answer_put(&b, &a);
	if (!b.failed)
		link_says(l, bytes_of(b.p + 4, b.len - 4));
	buffer_clear(&b);
}

void
play_step(struct play_input *in)
{
	size_t n = play_links(), which = play_u8(in);
	struct link *l = TAILQ_FIRST(&links);

	if (n == 0)
		return;
	for (which %= n; which > 0; which--)
		l = TAILQ_NEXT(l, entry);
	switch (play_u8(in) % 5) {
	case 0:
		link_says(l, play_string(in));
		break;
	case 1:
		say_sign_result(l, in);
		break;
	case 2:
		say_login_result(l, in);
		break;
	case 3:
		say_answer(l, in);
		break;
	case 4:
		link_ends(l, "exit status 1");
		break;
	}
}

struct agent *
play_agent(void)
{
	static const struct world_key keys[] = {
		{.number = 1, .id = "\1"}, {.number = 2, .id = "\2", .rsa = true},
		{.number = 3, .id = "\3", .other = true, .reason = "no"},
		{.number = 4, .id = "\4"}, {.number = 5, .id = "\5"}, {0},
	};
	struct agent *a;
	struct provider *p;

	/* Nobody reads there. */
	log_to_system("/nonexistent/log");
	a = world_agent();
	world_section(a, "k")->has_uri = true;
	p = world_provider(a, "soft", NULL);
	world_token(p, "pin", "1", TOKEN_LOGIN_REQUIRED, keys);
	world_token(p, "no pin", "2", 0, keys);
	world_token(world_provider(a, "other", NULL), "other", "3",
	    TOKEN_LOGIN_REQUIRED, keys + 3);
	FUZZ_CHECK(a->n_exposed > 0);
	return a;
}

void
play_end(struct agent *a)
{
	agent_free(a);
	/* No child outlives the daemon. */
	FUZZ_CHECK(play_links() == 0);
}
