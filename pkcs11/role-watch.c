/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The role "watch": which tokens one module has, for modules that are not on
 * PC/SC (p11-agent-readers watches what is). It serves no token.
 *
 * Most of these modules have no C_WaitForSlotEvent, and many (SoftHSM,
 * tpm2-pkcs11, p11-kit-client) see nothing new after C_Initialize. So each
 * look is a process of its own, forked from one that has loaded nothing: it
 * loads the module, tells what is there, and waits for an event as long as
 * the module can. When it ends, the next look is LOOK_SEC later. A module
 * that crashes, hangs (an alarm ends it) or cannot be loaded costs that one
 * process, and is looked at less and less often.
 *
 * A picture is a WIRE_TOKEN without keys for each token, then WIRE_DONE; the
 * daemon gets one at first and when it changed. A look that failed says
 * nothing, and what comes after it is news again.
 */
#include "pkcs11/role.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/prctl.h>
#endif

#include "common/cleanup.h"
#include "common/frame.h"
#include "pkcs11/module.h"
#include "pkcs11/slot.h"

enum {
	LOOK_SEC = 2,
	/* Each starts a command anew, maybe on another machine. */
	LOOK_REMOTE_SEC = 30,
	PAUSE_MAX_SEC = 60,
	/* A picture: each token with five texts and a few numbers. */
	PICTURE_MAX_BYTES = SLOTS_PER_PROVIDER_MAX * 1024,
};

/* How a look ended: its process's exit code. */
enum look {
	LOOK_DONE = 0,
	LOOK_FAILED = 1, /* the module said so */
	LOOK_BROKEN = 2, /* and whatever else: no module, a crash */
};

struct watch {
	int fd; /* to the daemon */
	const struct wire_start *start;
	struct buffer sent; /* the last picture; empty: the next one is news */
	time_t pause_sec;
};

static bool
put_picture(CK_FUNCTION_LIST *module, const struct wire_start *start,
    struct buffer *out)
{
	static const struct token_keys none = {0};
	CLEANUP(cleanup_free) CK_SLOT_ID *ids = NULL;
	struct p11_err err = {.call = ""};
	struct token_id id;
	size_t n = 0;
	struct slot s;

	if (!slots_list(module, &ids, &n, &err))
		return false;
	for (size_t i = 0; i < n; i++) {
		struct slot_place place = slot_place_of(i, n);

		/* A slot that cannot even say who it is, is not there. */
		if (wire_left_out_place(start, place) != NULL ||
		    !slot_read(module, ids[i], &s, &err))
			continue;
		id = slot_token_id(&s);
		if (wire_left_out_token(start, place, &id) != NULL ||
		    !slot_has_token(module, &s))
			continue;
		s.place = place;
		slot_wire_put(out, &s, slot_token_flags(&s), &none);
	}
	wire_done_put(out);
	return !out->failed;
}

/* The looking process: until nothing wakes it any more. */
static enum look
look_and_wait(int fd, CK_FUNCTION_LIST *module,
    const struct wire_start *start)
{
	CLEANUP(buffer_cleanup) struct buffer last =
	    BUFFER_INIT(PICTURE_MAX_BYTES);
	CK_SLOT_ID slot;

	for (;;) {
		struct buffer now = BUFFER_INIT(PICTURE_MAX_BYTES);
		bool same;

		alarm(SCAN_MAX_SEC);
		if (!put_picture(module, start, &now)) {
			buffer_clear(&now);
			return LOOK_FAILED;
		}
		alarm(0);
		same = bytes_equal(buffer_bytes(&now), buffer_bytes(&last));
		buffer_clear(&last);
		last = now;
		if (!same && !frame_write(fd, &now))
			return LOOK_DONE;
		/* Events without a change, maybe one after the other. */
		if (same)
			sleep(LOOK_SEC);
		if (module->C_WaitForSlotEvent(0, &slot, NULL) != CKR_OK)
			return LOOK_DONE;
	}
}

/*
 * What a module has to say it says in each scan; said every two seconds it
 * would fill the log.
 */
static void
look_silently(void)
{
	int null = open("/dev/null", O_WRONLY | O_CLOEXEC);

	dup2(null, STDOUT_FILENO);
	dup2(null, STDERR_FILENO);
}

static _Noreturn void
look_run(int fd, const struct wire_start *start)
{
	struct p11_err err = {.call = ""};
	struct module m;

#ifdef __linux__
	prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
#endif
	look_silently();
	signal(SIGALRM, SIG_DFL);
	alarm(SCAN_MAX_SEC);
	if (module_open(&m, start, &err))
		_exit((int)look_and_wait(fd, m.calls, start));
	_exit(err.rv != CKR_OK ? LOOK_FAILED : LOOK_BROKEN);
}

/* Hand a picture on, if it is another one. False when the daemon is gone. */
static bool
watch_tell(struct watch *w, struct buffer *picture)
{
	bool told = true;

	if (!bytes_equal(buffer_bytes(picture), buffer_bytes(&w->sent))) {
		told = frame_write(w->fd, picture);
		buffer_clear(&w->sent);
		w->sent = *picture;
		*picture = BUFFER_INIT(PICTURE_MAX_BYTES);
	}
	buffer_clear(picture);
	return told;
}

/* Take whole pictures from what a look has sent. */
static bool
watch_take(struct watch *w, struct buffer *in, struct buffer *picture)
{
	struct bytes body;
	size_t mark;
	bool last;

	while (frame_peek(in, PICTURE_MAX_BYTES, &body) == FRAME_READY) {
		last = body.p[0] == WIRE_DONE;
		mark = buffer_begin(picture);
		buffer_put(picture, body);
		buffer_end(picture, mark);
		frame_drop(in, body);
		if (last && (picture->failed || !watch_tell(w, picture)))
			return false;
	}
	return true;
}

/* Read from a look until it ends; false when the daemon wants no more. */
static bool
watch_listen(struct watch *w, int fd)
{
	CLEANUP(buffer_cleanup) struct buffer in =
	    BUFFER_INIT(PICTURE_MAX_BYTES);
	CLEANUP(buffer_cleanup) struct buffer picture =
	    BUFFER_INIT(PICTURE_MAX_BYTES);
	struct pollfd polled[] = {{w->fd, POLLIN, 0}, {fd, POLLIN, 0}};
	uint8_t bytes[4096];
	ssize_t n;

	for (;;) {
		if (poll(polled, 2, -1) < 0 && errno != EINTR)
			return false;
		/* It sends nothing: this is the end. */
		if (polled[0].revents != 0)
			return false;
		if (polled[1].revents == 0)
			continue;
		if ((n = read(fd, bytes, sizeof(bytes))) < 0 &&
		    errno != EINTR)
			return false;
		if (n == 0)
			return true;
		buffer_put(&in, bytes_of(bytes, n < 0 ? 0 : (size_t)n));
		if (in.failed || !watch_take(w, &in, &picture))
			return false;
	}
}

/* One look, from its start to its end. False when that was all. */
static bool
watch_look(struct watch *w, enum look *ret)
{
	int fds[2], status = 0;
	siginfo_t ended;
	bool more;
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, fds) != 0)
		return false;
	if ((pid = fork()) < 0) {
		close(fds[0]);
		close(fds[1]);
		return false;
	}
	/* Both sides do it: no kill may come too early. */
	setpgid(pid, pid);
	if (pid == 0) {
		close(fds[0]);
		close(w->fd);
		fcntl(fds[1], F_SETFD, FD_CLOEXEC);
		look_run(fds[1], w->start);
	}
	close(fds[1]);
	more = watch_listen(w, fds[0]);
	close(fds[0]);
	/* It may have closed its end only. */
	if (!more)
		kill(pid, SIGKILL);
	while (waitid(P_PID, (id_t)pid, &ended, WEXITED | WNOWAIT) < 0 &&
	    errno == EINTR)
		;
	/* Processes of a look may go on: each look would leave some. */
	kill(-pid, SIGKILL);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	*ret = WIFEXITED(status) && WEXITSTATUS(status) < LOOK_BROKEN ?
	    (enum look)WEXITSTATUS(status) : LOOK_BROKEN;
	return more;
}

/* False when the daemon wants no more. */
static bool
watch_pause(const struct watch *w)
{
	struct pollfd polled = {w->fd, POLLIN, 0};
	int n;

	do {
		n = poll(&polled, 1, (int)w->pause_sec * 1000);
	} while (n < 0 && errno == EINTR);
	return n == 0;
}

void
role_watch(int fd, const struct wire_start *start)
{
	struct watch w = {
		.fd = fd,
		.start = start,
		.sent = BUFFER_INIT(PICTURE_MAX_BYTES),
	};
	const time_t usual = start->remote ? LOOK_REMOTE_SEC : LOOK_SEC;
	enum look look;

	w.pause_sec = usual;

	while (watch_look(&w, &look)) {
		if (look != LOOK_DONE)
			buffer_clear(&w.sent);
		if (look != LOOK_BROKEN)
			w.pause_sec = usual;
		else if ((w.pause_sec *= 2) > PAUSE_MAX_SEC)
			w.pause_sec = PAUSE_MAX_SEC;
		if (!watch_pause(&w))
			break;
	}
	buffer_clear(&w.sent);
}
