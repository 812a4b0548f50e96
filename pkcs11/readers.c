/* SPDX-License-Identifier: BSD-2-Clause */
/* Watching PC/SC: readers and cards that come and go, by name. */
#include "pkcs11/readers.h"

#include <assert.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#ifdef __APPLE__
#include <PCSC/winscard.h>
#include <PCSC/wintypes.h>
#else
#include <winscard.h>
#endif

#include "common/cleanup.h"
#include "common/frame.h"
#include "pkcs11/pcsc-socket.h"
#include "pkcs11/readers-wire.h"
#include "pkcs11/scdaemon.h"

enum {
	/* SCardGetStatusChange takes no more, the pseudo reader included. */
	STATES_MAX = PCSCLITE_MAX_READERS_CONTEXTS,
	/* After a change one more look; see wait_for_change. */
	SETTLE_MS = 1000,
	/* A context that lived so long was a good one. */
	CONTEXT_GOOD_SEC = 5,
	/* First pauses before pcscd is tried again. */
	PAUSE_LOST_MS = 100,
	PAUSE_ABSENT_MS = 500,
	PAUSE_REFUSED_MS = 2000,
	/* Longest pause between looks that find nothing new. */
	PAUSE_IDLE_MAX_MS = 1000,
	/* To get an answer out of one that waits. */
	WAKES_MAX = 20,
	WAKE_MS = 50,
};
static_assert(STATES_MAX <= (int)WIRE_READERS_MAX,
    "a message holds all readers");

/* It changes when a reader arrives. */
static const char arrivals[] = "\\\\?PnP?\\Notification";

struct readers_watch {
	int fd;			   /* to the daemon */
	/*
	 * Of who watches and who is asked: writing, and the next four. What is
	 * outside cannot hang in PC/SC; what waits can be woken there.
	 */
	pthread_mutex_t mutex;
	bool asked; /* and READERS_ALIVE is due */
	bool outside;
	bool waiting;
	SCARDCONTEXT waits_in;
	bool closed;		   /* it takes no more */
	struct buffer told;	   /* what it was told last */
	struct pcsc_socket socket; /* pcscd's */
	SCARDCONTEXT context;
	DWORD arrival_events; /* in the upper 16 bits; 0: not counted */
	DWORD n_readers;
	SCARD_READERSTATE states[STATES_MAX];
	char names[STATES_MAX][READER_NAME_MAX_BYTES + 1];
};

/* With the mutex: give the sign of life that is due. */
static void
answer(struct readers_watch *w)
{
	struct buffer out = BUFFER_INIT(READERS_MSG_MAX_BYTES);

	if (!w->asked)
		return;
	w->asked = false;
	readers_note_put(&out, READERS_ALIVE);
	if (!frame_write(w->fd, &out))
		w->closed = true;
	buffer_clear(&out);
}

/* PC/SC let go of us: for a moment, until it wakes us, or for longer. */
static void
back_from_pcsc(struct readers_watch *w, bool waiting, bool outside)
{
	pthread_mutex_lock(&w->mutex);
	answer(w);
	w->waiting = waiting;
	w->outside = outside;
	w->waits_in = w->context;
	pthread_mutex_unlock(&w->mutex);
}

void
readers_watch_asked(struct readers_watch *w)
{
	bool waiting = true;

	pthread_mutex_lock(&w->mutex);
	w->asked = true;
	if (w->outside)
		answer(w);
	/* The thread may not wait quite yet: then it is woken once more. */
	for (int i = 0; i < WAKES_MAX && w->asked && waiting; i++) {
		SCARDCONTEXT context = w->waits_in;

		waiting = w->waiting;
		pthread_mutex_unlock(&w->mutex);
		if (waiting)
			SCardCancel(context);
		poll(NULL, 0, WAKE_MS);
		pthread_mutex_lock(&w->mutex);
	}
	pthread_mutex_unlock(&w->mutex);
}

/* Send m unless the daemon knows it already; true when it is news. */
static bool
tell(struct readers_watch *w, const struct readers_state *m)
{
	struct buffer out = BUFFER_INIT(READERS_MSG_MAX_BYTES);

	readers_state_put(&out, m);
	if (!out.failed &&
	    bytes_equal(buffer_bytes(&out), buffer_bytes(&w->told))) {
		buffer_clear(&out);
		return false;
	}
	pthread_mutex_lock(&w->mutex);
	if (!frame_write(w->fd, &out))
		w->closed = true;
	pthread_mutex_unlock(&w->mutex);
	buffer_clear(&w->told);
	w->told = out;
	return true;
}

/* What helps when another program has a card for itself. */
static const char scdaemon_words[] =
    "GnuPG's scdaemon is running: put disable-ccid, pcsc-shared and "
    "card-timeout 5, a line each, into ~/.gnupg/scdaemon.conf, then run "
    "`gpgconf --kill scdaemon`";

static bool
tell_readers(struct readers_watch *w)
{
	struct readers_state m = {.service = READERS_OK};
	bool exclusive = false;

	for (DWORD i = 0; i < w->n_readers; i++) {
		const DWORD state = w->states[i].dwEventState;

		if (state & SCARD_STATE_UNKNOWN)
			continue; /* it has left */
		m.readers[m.n_readers++] = (struct card_reader){
			.name = bytes_str(w->names[i]),
			.card_present = state & SCARD_STATE_PRESENT,
			.exclusive = state & SCARD_STATE_EXCLUSIVE,
			.in_use = state & SCARD_STATE_INUSE,
			.mute = state & SCARD_STATE_MUTE,
			.events = (uint32_t)(state >> 16 & 0xffff),
		};
		exclusive |= (state & SCARD_STATE_EXCLUSIVE) != 0;
	}
	if (exclusive && scdaemon_runs())
		m.text = bytes_str(scdaemon_words);
	return tell(w, &m);
}

/* PC/SC lets us not in: say why, and return how long to wait at first. */
static int
tell_fault(struct readers_watch *w, LONG rv)
{
	const char *words = pcsc_stringify_error(rv);
	enum pcsc_socket_fault fault = pcsc_socket_look(&w->socket);
	struct readers_state m = {.service = READERS_NO_SERVICE};
	char text[WIRE_TEXT_MAX_BYTES];

	if (rv == SCARD_W_SECURITY_VIOLATION || rv == SCARD_E_NO_ACCESS) {
		m.service = READERS_REFUSED;
		snprintf(text, sizeof(text),
		    "pcscd refuses access to this user: %s", words);
	} else if (fault == PCSC_SOCKET_FORBIDDEN) {
		m.service = READERS_REFUSED;
		snprintf(text, sizeof(text), "this user may not open %s",
		    w->socket.path);
	} else if (fault == PCSC_SOCKET_ABSENT) {
		snprintf(text, sizeof(text),
		    "pcscd is not running: there is no %s", w->socket.path);
	} else {
		snprintf(text, sizeof(text), "pcscd does not answer: %s",
		    words);
	}
	m.text = bytes_str(text);
	tell(w, &m);
	return m.service == READERS_REFUSED ? PAUSE_REFUSED_MS :
					      PAUSE_ABSENT_MS;
}

/*
 * Whatever ended a context that worked. The reason is not the one that PC/SC
 * gives: pcsc-lite takes a pcscd that died for one that refuses.
 */
static void
tell_lost(struct readers_watch *w)
{
	const struct readers_state m = {
		.service = READERS_NO_SERVICE,
		.text = bytes_str("pcscd has ended"),
	};

	tell(w, &m);
}

/* The names of all readers; nothing is known of them yet. */
static LONG
list(struct readers_watch *w)
{
	char names[STATES_MAX * (READER_NAME_MAX_BYTES + 1) + 1];
	DWORD len = sizeof(names);
	LONG rv = SCardListReaders(w->context, NULL, names, &len);
	size_t name_len;

	w->n_readers = 0;
	if (rv == SCARD_E_NO_READERS_AVAILABLE)
		return SCARD_S_SUCCESS;
	if (rv != SCARD_S_SUCCESS)
		return rv;
	/* One name after the other, each with its NUL; an empty one ends. */
	for (DWORD at = 0; at < len && w->n_readers < STATES_MAX;
	     at += (DWORD)name_len + 1) {
		SCARD_READERSTATE *state = &w->states[w->n_readers];
		char *name = w->names[w->n_readers];

		name_len = strnlen(names + at, len - at);
		if (name_len == 0)
			break;
		if (name_len > READER_NAME_MAX_BYTES)
			continue;
		memcpy(name, names + at, name_len);
		name[name_len] = '\0';
		*state = (SCARD_READERSTATE){.szReader = name};
		w->n_readers++;
	}
	return SCARD_S_SUCCESS;
}

/* All readers, and how they are now. */
static LONG
look(struct readers_watch *w)
{
	LONG rv = list(w);

	if (rv == SCARD_S_SUCCESS && w->n_readers > 0)
		rv = SCardGetStatusChange(
		    w->context, 0, w->states, w->n_readers);
	return rv;
}

/*
 * Until something is other than what w->states say, or a reader arrives.
 * pcsc-lite before 2.3 overlooks a reader that arrives after SCardListReaders
 * and before it begins to wait: hence the look after SETTLE_MS, when arrivals
 * that came together are over. Later ones tell it apart by a counter.
 */
static LONG
wait_for_change(struct readers_watch *w, DWORD timeout)
{
	DWORD n = w->n_readers;
	LONG rv;

	for (DWORD i = 0; i < n; i++)
		w->states[i].dwCurrentState = w->states[i].dwEventState &
		    ~(DWORD)SCARD_STATE_CHANGED;
	/* With STATES_MAX readers, there is no room for another anyway. */
	if (n < STATES_MAX)
		w->states[n++] = (SCARD_READERSTATE){
			.szReader = arrivals,
			.dwCurrentState = w->arrival_events,
		};
	back_from_pcsc(w, true, false);
	rv = SCardGetStatusChange(w->context, timeout, w->states, n);
	back_from_pcsc(w, false, false);
	if (n > w->n_readers && rv != SCARD_E_CANCELLED)
		w->arrival_events =
		    w->states[w->n_readers].dwEventState & 0xffff0000;
	return rv;
}

/* Should PC/SC wake us for nothing again and again, then not too often. */
static void
pause_idle(int *pause_ms)
{
	poll(NULL, 0, *pause_ms);
	*pause_ms = *pause_ms < PAUSE_IDLE_MAX_MS / 2 ? 2 * *pause_ms + 1 :
							PAUSE_IDLE_MAX_MS;
}

/* Does w->states say how the readers are? */
static bool
is_known(LONG rv)
{
	return rv == SCARD_S_SUCCESS || rv == SCARD_E_TIMEOUT;
}

/* With a context: tell what there is, until PC/SC fails. */
static void
tell_changes(struct readers_watch *w)
{
	LONG waited = SCARD_E_TIMEOUT;
	bool news = true;
	int pause_ms = 0;

	w->arrival_events = 0;
	while (!w->closed && (is_known(waited) ||
				 waited == SCARD_E_UNKNOWN_READER)) {
		LONG rv = look(w);

		if (is_known(rv))
			news = tell_readers(w) || news;
		else if (rv != SCARD_E_UNKNOWN_READER)
			return;
		if (news || waited == SCARD_E_TIMEOUT)
			pause_ms = 0;
		else
			pause_idle(&pause_ms);
		waited = wait_for_change(w,
		    news || waited != SCARD_E_TIMEOUT ? SETTLE_MS : INFINITE);
		/*
		 * What the wait saw comes first: a reader that left may be
		 * back by the next look, with another card in it.
		 */
		news = is_known(waited) && tell_readers(w);
		/* Woken to say so, it has seen nothing. */
		if (waited == SCARD_E_CANCELLED)
			waited = SCARD_E_TIMEOUT;
	}
}

static time_t
now_sec(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec;
}

/* From one connection to pcscd to the next. */
static void
connect_and_tell(struct readers_watch *w)
{
	int pause_ms = PAUSE_LOST_MS;
	time_t since = now_sec();
	LONG rv;

	pcsc_socket_arm(&w->socket);
	rv = SCardEstablishContext(
	    SCARD_SCOPE_SYSTEM, NULL, NULL, &w->context);
	if (rv == SCARD_S_SUCCESS) {
		pcsc_socket_disarm(&w->socket);
		tell_changes(w);
		pcsc_socket_arm(&w->socket);
		SCardReleaseContext(w->context);
		if (now_sec() - since >= CONTEXT_GOOD_SEC)
			pcsc_socket_worked(&w->socket);
		tell_lost(w);
	} else {
		pause_ms = tell_fault(w, rv);
	}
	back_from_pcsc(w, false, true);
	if (!w->closed)
		pcsc_socket_wait(&w->socket, pause_ms);
	back_from_pcsc(w, false, false);
}

struct readers_watch *
readers_watch_new(int fd)
{
	struct readers_watch *w = calloc(1, sizeof(*w));

	if (w == NULL)
		return NULL;
	w->fd = fd;
	w->told = BUFFER_INIT(READERS_MSG_MAX_BYTES);
	if (pthread_mutex_init(&w->mutex, NULL) != 0)
		return readers_watch_free(w);
	return w;
}

struct readers_watch *
readers_watch_free(struct readers_watch *w)
{
	if (w != NULL)
		buffer_clear(&w->told);
	free(w);
	return NULL;
}

bool
readers_watch_run(struct readers_watch *w)
{
	pcsc_socket_init(&w->socket);
	while (!w->closed)
		connect_and_tell(w);
	pcsc_socket_disarm(&w->socket);
	return false;
}
