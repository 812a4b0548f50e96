/* SPDX-License-Identifier: BSD-2-Clause */
/* Words that a shell takes as they are. */
#include "ctl/quote.h"

#include <string.h>

/* Characters that no shell takes for more than themselves. */
static const char PLAIN[] =
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
    "/._-+:@%,";

void
quote_print(FILE *out, const char *s, bool csh)
{
	if (s[0] != '\0' && s[strspn(s, PLAIN)] == '\0') {
		fputs(s, out);
		return;
	}
	fputc('\'', out);
	for (; *s != '\0'; s++) {
		if (*s == '\'')
			fputs("'\\''", out);
		else if (csh && (*s == '!' || *s == '\n'))
			fprintf(out, "\\%c", *s);
		else
			fputc(*s, out);
	}
	fputc('\'', out);
}
