/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * p11-agent-prompt: reads one question from the daemon on PROMPT_FD, asks a
 * person, writes one answer, and ends. It ends at once, without an answer, when
 * the daemon closes the socket or sends SIGTERM. A notice stays until then.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/frame.h"
#include "common/harden.h"
#include "common/log.h"
#include "prompt/asker.h"
#include "prompt/notice.h"
#include "prompt/program.h"
#include "prompt/question.h"
#include "prompt/source.h"

extern char **environ;

enum {
	QUESTION_MAX_BYTES = 8 * WIRE_TEXT_MAX_BYTES,
	ANSWER_MAX_BYTES = 2 * WIRE_TEXT_MAX_BYTES,
	WHY_MAX_BYTES = WIRE_TEXT_MAX_BYTES,
	/* A desktop that hangs must not keep us. */
	NOTICE_END_SEC = 2,
};

/*
 * Started from a shell, the daemon's terminal is ours too, and we are in its
 * background: whoever asks there would be stopped by it (SIGTTIN). Without a
 * controlling terminal there is no job control, as under a service manager.
 */
static void
leave_terminal(void)
{
	CLEANUP(cleanup_close) int fd = open("/dev/tty", O_RDWR | O_CLOEXEC);

	/* From a session's leader it would end the whole session. */
	if (fd >= 0 && getsid(0) != getpid())
		ioctl(fd, TIOCNOTTY);
}

/* The socket blocks here, and is not for the program that asks. */
static bool
prepare_socket(void)
{
	int flags = fcntl(PROMPT_FD, F_GETFL);

	return flags >= 0 &&
	       fcntl(PROMPT_FD, F_SETFL, flags & ~O_NONBLOCK) == 0 &&
	       fcntl(PROMPT_FD, F_SETFD, FD_CLOEXEC) == 0;
}

static bool
send_answer(enum source_result result, const struct asking *asking,
    const struct buffer *why)
{
	CLEANUP(buffer_cleanup)
	struct buffer out = BUFFER_INIT(ANSWER_MAX_BYTES);
	struct answer answer = {.status = ANSWER_NO_WAY};

	switch (result) {
	case SOURCE_OK:
		answer.status = ANSWER_OK;
		answer.secret = secret_bytes(asking->secret);
		answer.unattended = asking->unattended;
		break;
	case SOURCE_CANCEL:
		answer.status = ANSWER_CANCEL;
		break;
	case SOURCE_EXPIRED:
		answer.status = ANSWER_CANCEL;
		answer.text = bytes_str("nobody answered the prompt in time");
		break;
	case SOURCE_CANNOT:
		answer.text = buffer_bytes(why);
		break;
	case SOURCE_NOBODY_WAITS:
		program_end_group();
		return true;
	}
	answer_put(&out, &answer);
	return frame_write(PROMPT_FD, &out);
}

/* Show a notice, and take it away when the daemon hangs up. */
static bool
show_notice(struct asking *asking)
{
	CLEANUP(buffer_cleanup)
	struct buffer out = BUFFER_INIT(ANSWER_MAX_BYTES);
	struct notice *notice = notice_show(asking);
	struct answer answer = {.status = ANSWER_OK};
	bool sent;

	if (notice == NULL) {
		answer.status = ANSWER_NO_WAY;
		answer.text = bytes_str(asking->why);
	}
	answer_put(&out, &answer);
	sent = frame_write(PROMPT_FD, &out);
	if (notice != NULL && sent)
		program_wait(PROMPT_FD, -1);
	alarm(NOTICE_END_SEC);
	notice_close(notice);
	return sent;
}

static bool
ask(struct asking *asking)
{
	CLEANUP(buffer_cleanup) struct buffer why = BUFFER_INIT(WHY_MAX_BYTES);
	enum source_result result = sources_ask(asking, &why);
	bool sent;

	/* A prompt that is being closed answers no more. */
	if (!program_is_wanted(PROMPT_FD))
		result = SOURCE_NOBODY_WAITS;
	sent = send_answer(result, asking, &why);
	asking->secret = secret_free(asking->secret);
	return sent;
}

/* The daemon's text, and who asks: it reads no other process's files. */
static struct bytes
add_asker(const struct question *question, struct buffer *out)
{
	bool notice = question->kind == QUESTION_NOTICE;
	char who[ASKER_LINE_BYTES];
	struct asker asker;

	asker_read(&asker, (pid_t)question->client_pid);
	if (notice)
		asker_program(&asker, who, sizeof(who));
	else
		asker_line(&asker, who, sizeof(who));
	if (who[0] == '\0')
		return question->text;
	buffer_put(out, question->text);
	buffer_put(out, bytes_str(notice ? ", for " : "\n"));
	buffer_put(out, bytes_str(who));
	/* Where both do not fit, the text says more. */
	return out->failed ? question->text : buffer_bytes(out);
}

static long
daemons_patience(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (long)now.tv_sec + PROMPT_MAX_SEC;
}

static bool
serve(struct question *question)
{
	CLEANUP(buffer_cleanup)
	struct buffer text = BUFFER_INIT(WIRE_TEXT_MAX_BYTES);
	struct environment environment;
	struct asking asking = {
	    .question = question,
	    .environment = &environment,
	    .peer = PROMPT_FD,
	    .until = daemons_patience(),
	};
	bool served;

	question->text = add_asker(question, &text);
	environment_read(&environment, (pid_t)question->client_pid, environ);
	environment_add_manager(&environment);
	served = question->kind == QUESTION_NOTICE ? show_notice(&asking)
						   : ask(&asking);
	environment_clear(&environment);
	return served;
}

int
main(void)
{
	CLEANUP(buffer_cleanup)
	struct buffer in = BUFFER_INIT(QUESTION_MAX_BYTES + 4);
	struct question question;
	struct bytes body;
	enum parse_err err;
	const char *why;

	log_set_name("p11-agent-prompt");
	/* A PIN passes through. */
	if ((why = harden_process()) != NULL)
		log_warn("%s", why);
	/* The daemon did this; where somebody else starts us, it matters. */
	setpgid(0, 0);
	program_catch_term();
	leave_terminal();
	if (!prepare_socket()) {
		log_error("no question on fd %d: p11-agent starts this program",
		    PROMPT_FD);
		return 2;
	}
	switch (frame_read(PROMPT_FD, &in, QUESTION_MAX_BYTES, &body)) {
	case 0:
		return 0;
	case 1:
		break;
	default:
		log_error("no whole question came");
		return 1;
	}
	if ((err = question_parse(body, &question)) != PARSE_OK) {
		log_error("the question: %s", parse_err_text(err));
		return 1;
	}
	return serve(&question) ? 0 : 1;
}
