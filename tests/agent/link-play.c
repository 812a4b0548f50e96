/* SPDX-License-Identifier: BSD-2-Clause */
/* A child program and its time, played. */
#include "tests/agent/link-play.h"

#include <event2/event.h>

#include "agent/link.h"
#include "tests/cmocka-all.h"

struct link_play play;

static struct {
	const struct link_events *events;
	void *arg;
	struct buffer out;
	struct event *timer;
} inside;

struct link *__wrap_link_start(struct agent *agent,
    const struct link_spec *spec, const struct link_events *events, void *arg);
struct link *__wrap_link_forget(struct link *l);
void __wrap_link_kill(struct link *l, const char *why);
struct buffer *__wrap_link_out(struct link *l);
void __wrap_link_flush(struct link *l);
void __wrap_provider_scan_again(struct provider *p);
int __wrap_event_add(struct event *ev, const struct timeval *tv);
int __real_event_add(struct event *ev, const struct timeval *tv);

struct link *
__wrap_link_start(struct agent *agent, const struct link_spec *spec,
    const struct link_events *events, void *arg)
{
	assert_non_null(agent);
	assert_non_null(spec->program);
	assert_false(play.runs);
	if (play.fails)
		return NULL;
	play.started++;
	play.runs = true;
	inside.events = events;
	inside.arg = arg;
	inside.out = BUFFER_INIT(64 * 1024);
	return (struct link *)&inside;
}

struct link *
__wrap_link_forget(struct link *l)
{
	if (l != NULL) {
		assert_true(play.runs);
		play.forgotten++;
		play.runs = false;
		buffer_clear(&inside.out);
	}
	return NULL;
}

void
__wrap_link_kill(struct link *l, const char *why)
{
	assert_ptr_equal(l, &inside);
	assert_non_null(why);
	play.killed++;
}

struct buffer *
__wrap_link_out(struct link *l)
{
	assert_ptr_equal(l, &inside);
	return &inside.out;
}

void
__wrap_link_flush(struct link *l)
{
	assert_ptr_equal(l, &inside);
	assert_false(inside.out.failed);
}

void
__wrap_provider_scan_again(struct provider *p)
{
	assert_non_null(p);
	play.scans++;
}

int
__wrap_event_add(struct event *ev, const struct timeval *tv)
{
	if (tv != NULL && tv->tv_sec > 0) {
		inside.timer = ev;
		play.wait_sec = tv->tv_sec;
	}
	return __real_event_add(ev, tv);
}

void
play_reset(void)
{
	play = (struct link_play){0};
	inside.timer = NULL;
}

void
play_says(struct buffer *frame)
{
	assert_false(frame->failed);
	assert_true(play.runs);
	/* Behind its length. */
	inside.events->frame(inside.arg, bytes_of(frame->p + 4,
	    frame->len - 4));
	buffer_clear(frame);
}

struct buffer *
play_heard(void)
{
	return &inside.out;
}

void
play_ends(void)
{
	assert_true(play.runs);
	play.runs = false;
	buffer_clear(&inside.out);
	inside.events->ended(inside.arg, "as told");
}

bool
play_waits(void)
{
	return inside.timer != NULL &&
	    event_pending(inside.timer, EV_TIMEOUT, NULL);
}

void
play_wait(struct agent *a)
{
	assert_true(play_waits());
	event_active(inside.timer, EV_TIMEOUT, 0);
	world_spin(a);
}
