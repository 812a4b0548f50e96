/* SPDX-License-Identifier: BSD-2-Clause */
/* Parsing KERN_PROCARGS2; no system call, so that every system can test it. */
#include "prompt/procargs.h"

#include "common/bytes.h"

static struct bytes
skip(struct bytes b, size_t n)
{
	return bytes_of(b.p + n, b.len - n);
}

/* One C string off the front; false when no NUL ends it. */
static bool
take_string(struct bytes *rest, struct bytes *ret)
{
	const uint8_t *end = rest->len == 0 ? NULL :
	    memchr(rest->p, '\0', rest->len);

	if (end == NULL)
		return false;
	*ret = bytes_of(rest->p, (size_t)(end - rest->p));
	*rest = skip(*rest, ret->len + 1);
	return true;
}

bool
procargs_environ(struct bytes answer, struct buffer *out)
{
	struct bytes one;
	int n;

	if (answer.len < sizeof(n))
		return false;
	memcpy(&n, answer.p, sizeof(n));
	answer = skip(answer, sizeof(n));
	if (!take_string(&answer, &one))
		return false;
	while (answer.len > 0 && answer.p[0] == '\0')
		answer = skip(answer, 1);
	for (; n > 0; n--)
		if (!take_string(&answer, &one))
			return false;
	while (take_string(&answer, &one) && one.len > 0 &&
	    one.len + 1 <= out->max - out->len) {
		buffer_put(out, one);
		buffer_put_u8(out, 0);
	}
	return true;
}
