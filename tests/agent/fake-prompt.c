/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A p11-agent-prompt for tests of the daemon: every question for a PIN gets
 * what $P11_FAKE_PIN says; without it, and for notices, nobody answers. The
 * file $P11_FAKE_PROMPTS gets a byte for each.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/frame.h"
#include "prompt/question.h"

static void
count(const char *path)
{
	int fd = path == NULL ? -1 : open(path, O_WRONLY | O_APPEND);

	if (fd < 0)
		return;
	if (write(fd, "?", 1) != 1)
		_exit(6);
	close(fd);
}

int
main(void)
{
	struct buffer in = BUFFER_INIT(1024 * 1024);
	struct buffer out = BUFFER_INIT(4096);
	struct answer a = {.status = ANSWER_OK};
	const char *pin = getenv("P11_FAKE_PIN");
	struct question q;
	struct bytes body;

	if (frame_read(PROMPT_FD, &in, 64 * 1024, &body) != 1 ||
	    question_parse(body, &q) != PARSE_OK)
		_exit(4);
	if (q.kind == QUESTION_PIN)
		count(getenv("P11_FAKE_PROMPTS"));
	if (q.kind == QUESTION_PIN && pin != NULL) {
		a.secret = bytes_str(pin);
		answer_put(&out, &a);
		if (!frame_write(PROMPT_FD, &out))
			_exit(5);
		_exit(0);
	}
	/* Until the daemon wants it no more. */
	frame_drop(&in, body);
	frame_read(PROMPT_FD, &in, 64 * 1024, &body);
	_exit(0);
}
