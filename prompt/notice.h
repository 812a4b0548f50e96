/* SPDX-License-Identifier: BSD-2-Clause */
/* A notice on the person's desktop, which stays until it is taken away. */
#ifndef P11_AGENT_PROMPT_NOTICE_H
#define P11_AGENT_PROMPT_NOTICE_H

#include "prompt/source.h"

struct notice;

/*
 * Show the question's text. The caller takes it away with notice_close. NULL
 * with a->why when there is no desktop that shows it. Takes 3 s at most, and
 * 1 s once a->peer is closed.
 */
struct notice *notice_show(struct asking *a);

/* Take it off the desktop; takes 1 s at most. NULL is fine. */
void notice_close(struct notice *n);

#endif
