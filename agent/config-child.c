/* SPDX-License-Identifier: BSD-2-Clause */
/* The answers of p11-agent-config: both ends. */
#include "agent/config-child.h"

#include "agent/config-flat.h"
#include "common/text.h"

/* Does it stay as it is when it is made fit to be shown? */
static bool
is_printable(struct bytes text)
{
	char shown[CONFIG_ERROR_MAX_BYTES];

	return text.len < sizeof(shown) &&
	       bytes_is(text, text_printable(text, shown, sizeof(shown)));
}

enum parse_err
config_reply_parse(struct bytes body, struct config_reply *ret)
{
	struct reader r = reader_of(body);
	uint8_t status = reader_u8(&r);
	struct bytes content = reader_raw(&r, r.rest.len);

	if (status > CONFIG_REPLY_ERROR || content.len == 0)
		reader_fail(&r, PARSE_VALUE);
	else if (status == CONFIG_REPLY_ERROR && !is_printable(content))
		reader_fail(&r, PARSE_VALUE);
	if (reader_finish(&r) != PARSE_OK)
		return r.err;
	ret->status = (enum config_reply_status)status;
	ret->content = content;
	return PARSE_OK;
}

enum parse_err
config_reply_path(struct bytes content, char **ret)
{
	char *path;

	if (content.len == 0 || content.len >= PATH_MAX_BYTES ||
	    content.p[0] != '/' || memchr(content.p, '\0', content.len) != NULL)
		return PARSE_VALUE;
	if ((path = bytes_strdup(content)) == NULL)
		return PARSE_MEMORY;
	*ret = path;
	return PARSE_OK;
}

void
config_reply_put_config(struct buffer *b, const struct config *c)
{
	size_t mark = buffer_begin(b);

	buffer_put_u8(b, CONFIG_REPLY_OK);
	config_put(b, c);
	buffer_end(b, mark);
}

void
config_reply_put_bytes(struct buffer *b, struct bytes content)
{
	size_t mark = buffer_begin(b);

	buffer_put_u8(b, CONFIG_REPLY_OK);
	buffer_put(b, content);
	buffer_end(b, mark);
}

void
config_reply_put_path(struct buffer *b, const char *path)
{
	config_reply_put_bytes(b, bytes_str(path));
}

void
config_reply_put_error(struct buffer *b, const char *text)
{
	char shown[CONFIG_ERROR_MAX_BYTES];
	size_t mark = buffer_begin(b);

	text_printable(bytes_str(text), shown, sizeof(shown));
	buffer_put_u8(b, CONFIG_REPLY_ERROR);
	buffer_put(b, bytes_str(shown));
	buffer_end(b, mark);
}
