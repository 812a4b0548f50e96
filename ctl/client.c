/* SPDX-License-Identifier: BSD-2-Clause */
/* One question to the daemon's control socket, and its answer. */
#include "ctl/client.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/frame.h"
#include "common/trust.h"

enum { READ_BYTES = 16 * 1024 };

/* No time limit. */
static const int64_t NEVER_MSEC = INT64_MAX;

/* A connection with a time by which everything must be done. */
struct connection {
	int fd;
	int64_t deadline_msec;
	char *why; /* CLIENT_WHY_BYTES */
};

static int64_t
now_msec(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static bool
fail(struct connection *c, const char *why)
{
	snprintf(c->why, CLIENT_WHY_BYTES, "%s", why);
	return false;
}

/* Wait until reading or writing makes sense. */
static bool
connection_wait(struct connection *c, short events)
{
	struct pollfd p = {.fd = c->fd, .events = events};

	for (;;) {
		int64_t left = c->deadline_msec - now_msec();
		int n = poll(&p, 1, c->deadline_msec == NEVER_MSEC ? -1 :
		    left > 0 ? (int)left : 0);

		if (n > 0)
			return true;
		if (n == 0)
			return fail(c, "it does not answer in time");
		if (errno != EINTR)
			return fail(c, strerror(errno));
	}
}

/* Only ourselves may tell us what to believe, or get our PINs. */
static bool
connection_open(struct connection *c, const char *path)
{
	struct peer peer;

	return trust_connect(path, &c->fd, &peer, c->why) == TRUST_OURS;
}

static bool
connection_send(struct connection *c, const struct buffer *out)
{
	struct bytes rest = buffer_bytes(out);

	if (out->failed)
		return fail(c, "the request is too long");
	while (rest.len > 0) {
		ssize_t n = send(c->fd, rest.p, rest.len, MSG_NOSIGNAL);

		if (n >= 0) {
			rest.p += n;
			rest.len -= (size_t)n;
		} else if (errno != EAGAIN && errno != EINTR) {
			return fail(c, strerror(errno));
		} else if (!connection_wait(c, POLLOUT)) {
			return false;
		}
	}
	return true;
}

static bool
connection_read(struct connection *c, struct buffer *in)
{
	uint8_t *room = buffer_room(in, READ_BYTES);
	ssize_t n;

	if (room == NULL)
		return fail(c, "its answer is too long");
	if (!connection_wait(c, POLLIN))
		return false;
	n = recv(c->fd, room, READ_BYTES, 0);
	if (n > 0)
		buffer_added(in, (size_t)n);
	else if (n == 0)
		return fail(c, "it closed the connection");
	else if (errno != EAGAIN && errno != EINTR)
		return fail(c, strerror(errno));
	return true;
}

static bool
connection_reply(struct connection *c, struct buffer *in,
    struct bytes *ret_body, struct control_reply *ret)
{
	enum frame_state state;
	enum parse_err err;

	while ((state = frame_peek(in, CONTROL_REPLY_MAX_BYTES, ret_body)) ==
	       FRAME_MORE)
		if (!connection_read(c, in))
			return false;
	if (state == FRAME_BAD)
		return fail(c, "its answer is no control message");
	if ((err = control_reply_parse(*ret_body, ret)) == PARSE_OK)
		return true;
	snprintf(c->why, CLIENT_WHY_BYTES,
	    "its answer cannot be read (%s); "
	    "is it another version?",
	    parse_err_text(err));
	return false;
}

/* Connect and ask. The caller closes c->fd, also after a fault. */
static bool
connection_ask(struct connection *c, const char *path,
    const struct control_request *q, int msec)
{
	CLEANUP(buffer_cleanup)
	struct buffer out = BUFFER_INIT(CONTROL_REQUEST_MAX_BYTES);

	c->fd = -1;
	c->deadline_msec = now_msec() + msec;
	control_request_put(&out, q);
	return connection_open(c, path) && connection_send(c, &out);
}

bool
client_ask(const char *path, const struct control_request *q, int msec,
    struct buffer *in, struct control_reply *ret,
    char why[static CLIENT_WHY_BYTES])
{
	struct connection c = {.why = why};
	struct bytes body;
	bool ok = connection_ask(&c, path, q, msec) &&
		  connection_reply(&c, in, &body, ret);

	cleanup_close(&c.fd);
	return ok;
}

bool
client_listen(const char *path, const struct control_request *q, int msec,
    bool (*each)(void *arg, const struct control_reply *reply), void *arg,
    char why[static CLIENT_WHY_BYTES])
{
	CLEANUP(buffer_cleanup)
	struct buffer in = BUFFER_INIT(CLIENT_REPLY_ROOM_BYTES);
	struct connection c = {.why = why};
	struct control_reply reply;
	struct bytes body;
	bool ok = connection_ask(&c, path, q, msec), more = true;

	while (ok && more) {
		ok = connection_reply(&c, &in, &body, &reply);
		more = ok && each(arg, &reply);
		c.deadline_msec = NEVER_MSEC;
		if (more)
			frame_drop(&in, body);
	}
	cleanup_close(&c.fd);
	return ok;
}
