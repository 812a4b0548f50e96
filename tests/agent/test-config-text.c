/* SPDX-License-Identifier: BSD-2-Clause */
/* One config file: what it may say, and what it is told when it may not. */
#include "tests/agent/config-files.h"

#define URI "uri = \"pkcs11:token=a\" "

/* The text of a.conf, and the error; NULL for none. */
static const struct {
	const char *text, *error;
} texts[] = {
    {"", NULL},
    {"# nothing", NULL},
    {"max-identities = 1\nmax-identities = 3",
	"a.conf:2: the file ends "
	"inside a word: is it cut? If not, end the line"},
    {"max-identities = 4\n", "a.conf:1: max-identities = \"4\": is 1, 2 or "
			     "3"},
    {"max-identities = 0\n", "a.conf:1: max-identities = \"0\": is 1, 2 or "
			     "3"},
    {"max-identities = 4294967297\n", "a.conf:1: max-identities = "
				      "\"4294967297\": is 1, 2 or 3"},
    {"max-identities = -1\n", "a.conf:1: max-identities = \"-1\": is 1, 2 or "
			      "3"},
    {"start-wait = 2m allow-root = no\n", NULL},
    {"start-wait = 3\n", "a.conf:1: start-wait = \"3\": is a time with its "
			 "unit: 500ms, 3s, 2m"},
    {"start-wait = 11m\n", "a.conf:1: start-wait = \"11m\": is at most 10m"},
    {"start-wait = s\n", "a.conf:1: start-wait = \"s\": is a time like "
			 "500ms, 3s or 2m"},
    {"allow-root = true\n", "a.conf:1: allow-root = \"true\": is yes or no"},
    {"\nmax-identities\n", "a.conf:2: missing equal sign after option "
			   "'max-identities'"},
    {"key a\n\n", "a.conf:2: missing opening brace for section 'key'"},
    /* names */
    {"/* two\n * lines */ max-identites = 3\n",
	"a.conf:2: no such setting "
	"or section \"max-identites\"; did you mean \"max-identities\"?"},
    {"learn = \"yes\"\n", "a.conf:1: no such setting or section \"learn\""},
    {"\n\nkeys \"a\" { " URI "}\n", "a.conf:3: no such setting or section "
				    "\"keys\"; did you mean \"key\"?"},
    {"host \"a\" { }\n", "a.conf:1: no such setting or section \"host\""},
    {"key \"work\" {\n\turis = \"x\"\n}\n",
	"a.conf:2: key \"work\": no such "
	"setting \"uris\"; did you mean \"uri\"?"},
    {"key \"work\" {\n" URI "\nconfirm = \"always\" }\n",
	"a.conf:3: key "
	"\"work\": no such setting \"confirm\""},
    {"token \"t\" { " URI "colour = no }\n", "a.conf:1: token \"t\": no such "
					       "setting \"colour\""},
    {"key \"\" { " URI "}", "a.conf:1: key without a title: write key "
			    "\"NAME\" {"},
    {"key { " URI "}", "a.conf:1: missing title for section 'key'"},
    {"\nkey \"a\" { " URI "}\nkey \"b\" { " URI "}\nkey\n\"a\" { " URI "}\n",
	"a.conf:4: key \"a\" is there already, at a.conf:2: give one of them "
	"another title"},
    {"token \"a\" { " URI "} token \"a\" { " URI "}",
	"a.conf:1: token \"a\" "
	"is there already, at a.conf:1: give one of them another title"},
    {"provider a { module = b }\n//\nprovider a { module = b }",
	"a.conf:3: "
	"provider \"a\" is there already, at a.conf:1: give one of them "
	"another title"},
    /* what libConfuse would take */
    {"key \"a\" { " URI "\n", "a.conf:1: what is opened here is not closed by "
			      "'}': is the file cut?"},
    {"\nkey \"a\" { uri = \"pkcs11:\n}", "a.conf:2: the string that begins "
					 "here does not end on its line"},
    {"\n/* key \"a\" { " URI "}\n", "a.conf:2: the comment that begins here "
				    "does not end: is the file cut?"},
    {"max-identities =", "a.conf:1: max-identities has no value: is the file "
			 "cut?"},
    {"key \"${HOME}\" { " URI "}", "a.conf:1: ${…} is not replaced here; for "
				   "the characters themselves write \\${"},
    {"key \"\\${HOME}\" { " URI "}", NULL},
    {"key '${HOME}\\'' { " URI "}", NULL},
    {"key ${HOME} { " URI "}", "a.conf:1: '$' has no place here: put values "
			       "into quotes"},
    {"key \"a\\n\" { " URI "}", "a.conf:1: a \\ in a string goes only before "
				"\\, \" and $"},
    {"key 'a\\n' { " URI "}", "a.conf:1: a \\ in a string goes only before \\ "
			      "and '"},
    {"max-identities += 2\n", "a.conf:1: '+' has no place here: put values "
			      "into quotes"},
    {"key caf\303\251 { " URI "}", "a.conf:1: '?' has no place here: put "
				   "values into quotes"},
    {"key \"caf\303\251\" { " URI "}", NULL},
    {"key \"a\" { " URI "}\n}\n", "a.conf:2: '}' closes nothing"},
    {"key \"a\" { " URI ")\n", "a.conf:1: ')' closes nothing"},
    {"key \"a\" { uri = { { \"\" } } }", "a.conf:1: '{' is nested too "
					 "deeply"},
    /* bytes */
    {"\nkey \"a\tb\" {\n", "a.conf:2: a tab in a string: write a space"},
    {"a\n\nb\033[31m\n", "a.conf:3: byte 0x1b is a control character or no "
			 "UTF-8"},
    {"a\r\n", "a.conf:1: a carriage return: save the file with Unix line "
	      "ends"},
    {"# \xff\n", "a.conf:1: byte 0xff is a control character or no UTF-8"},
    {"# \xe2\x80\xae\n", "a.conf:1: byte 0xe2 is a control character or no "
			 "UTF-8"},
    {"\xef\xbb\xbfmax-identities = 3\n", "a.conf:1: a byte order mark "
	"(BOM): save the file as UTF-8 without one"},
    {"\xff\xfe#\n", "a.conf:1: a byte order mark (BOM) of UTF-16: save the "
		    "file as UTF-8 without one"},
    /* provider */
    {"provider a { module = \"p11-kit-proxy.so\" env = { \"A=\" } }", NULL},
    {"provider a { module = \"/x/y.so\" env = \"_A1=b=c\" }", NULL},
    {"provider a { }", "a.conf:1: provider \"a\" has no module"},
    {"provider a { module = \"x/y.so\" }",
	"a.conf:1: module = \"x/y.so\": is "
	"a name that p11-kit has registered, a file name, or a path that "
	"begins with /"},
    {"provider a { module = \"\" }",
	"a.conf:1: module = \"\": is a name that "
	"p11-kit has registered, a file name, or a path that begins with /"},
    {"provider a {\nenv = { \"A=1\",\n\"1A=2\" } }",
	"a.conf:3: env: "
	"\"1A=2\" is not NAME=VALUE"},
    {"provider a { env = { \"=1\" } }", "a.conf:1: env: \"=1\" is not "
					"NAME=VALUE"},
    /* token */
    {"token a { " URI "pin-source = { pinentry, \"askpass\" } }", NULL},
    {"token a { }", "a.conf:1: token \"a\" has no uri"},
    {"token a { uri = \"pkcs11:id=%01\" }",
	"a.conf:1: uri = "
	"\"pkcs11:id=%01\": \"id\" names a key, and this is about a token"},
    {"token a { " URI "pin-source = { tty, \"credential:a\", "
     "\"command:pass show pin\" } }", NULL},
    {"token a { " URI "login = each keep-pin = 10m }", NULL},
    {"token a { " URI "login = 31d keep-pin = session }", NULL},
    {"token a { " URI "release = no }", NULL},
    {"token a { " URI "release = 10s }", NULL},
    {"token a { login = 32d }",
	"a.conf:1: login = \"32d\": is session, each, or a time from 1s to "
	"31d (units s, m, h, d)"},
    {"token a { login = 0s }",
	"a.conf:1: login = \"0s\": is session, each, or a time from 1s to "
	"31d (units s, m, h, d)"},
    {"token a { keep-pin = 10 }",
	"a.conf:1: keep-pin = \"10\": is no, session, or a time from 1s to "
	"31d (units s, m, h, d)"},
    {"token a { " URI "forget-on = { } }", NULL},
    {"token a { " URI "forget-on = { removal, \"sleep\", screen-lock, "
     "sleep } }", NULL},
    {"token a { forget-on = { removal,\nlogout } }",
	"a.conf:2: forget-on: \"logout\" is not removal, sleep or "
	"screen-lock"},
    {"token a { release = session }",
	"a.conf:1: release = \"session\": is no, or a time from 1s to 31d "
	"(units s, m, h, d)"},
    {"token a { pin-source = { \"pin\" } }",
	"a.conf:1: pin-source: \"pin\" is no PIN source: there are pinentry, "
	"askpass, tty, credential:NAME and command:COMMAND"},
    {"token a { pin-source = { \"tty:a\" } }",
	"a.conf:1: pin-source: \"tty:a\" is no PIN source: there are "
	"pinentry, askpass, tty, credential:NAME and command:COMMAND"},
    {"token a { pin-source = { \"command:\" } }",
	"a.conf:1: pin-source: \"command:\" is no PIN source: there are "
	"pinentry, askpass, tty, credential:NAME and command:COMMAND"},
    /* key */
    {"key a { }", "a.conf:1: key \"a\" says of no key which: give it a uri, a "
		  "fingerprint or a file"},
    {"key a { deny = yes }", "a.conf:1: key \"a\" says of no key which: give "
			     "it a uri, a fingerprint or a file"},
    {"key a { fingerprint = \"" FINGERPRINT "\" deny = \"yes\" }", NULL},
    {"key a { fingerprint = \"" FINGERPRINT "A\" }",
	"a.conf:1: fingerprint = "
	"\"" FINGERPRINT "A\": has not 43 base64 digits behind \"SHA256:\""},
    {"key a { fingerprint = \"SHA256:A\" }",
	"a.conf:1: fingerprint = "
	"\"SHA256:A\": has not 43 base64 digits behind \"SHA256:\""},
    {"key a { fingerprint = \"MD5:00\" }",
	"a.conf:1: fingerprint = "
	"\"MD5:00\": is \"SHA256:…\", as ssh-keygen -l prints it"},
    {"key a { deny = maybe }", "a.conf:1: deny = \"maybe\": is yes or no"},
    {"key a { file = \"~root/x.pub\" }", "a.conf:1: file = \"~root/x.pub\": "
					 "only ~/ is known, not ~USER"},
    {"key a { file = \"no.pub\" }", "a.conf:1: file: no.pub: No such file or "
				    "directory"},
};

static void
each_text(void **state)
{
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		CLEANUP(config_loader_clear) struct config_loader l;
		const char *want = texts[i].error, *got;

		files_write(*state, "a.conf", texts[i].text);
		got = files_load(*state, "a.conf", &l);
		if (strcmp(got, want == NULL ? "" : want) != 0)
			fail_msg("\n%s\ngives  %s\ninstead %s", texts[i].text,
			    got, want == NULL ? "nothing" : want);
	}
}

/* What a.conf gives, without an error. */
static const struct config *
load_text(struct files *f, const char *text, struct config_loader *l)
{
	files_write(f, "a.conf", text);
	assert_string_equal(files_load(f, "a.conf", l), "");
	return l->config;
}

static void
values_arrive(void **state)
{
	CLEANUP(config_loader_clear) struct config_loader l;
	const struct config *c = load_text(*state,
	    "max-identities = 3 start-wait = \"500ms\"\n"
	    "provider \"a\" { module = \"x.so\" init-args = \"b=\\\"c\\\"\"\n"
	    "\tenv = { \"A=1\", \"B=2\" } }\n"
	    "max-identities = \"2\" allow-root = no // two\n"
	    "token \"t\" { uri = \"pkcs11:serial=0;model=m%3b\"\n"
	    "\tpin-source = { askpass } }\n"
	    "/* a\n * b */ key \"k\" { deny = yes\n"
	    "\tfingerprint = \"" FINGERPRINT "\" }\n"
	    "\n"
	    "key\n\"l\" { uri = \"pkcs11:manufacturer=x;slot-description=y;"
	    "object=z;id=%00%ff;token=\" }\n",
	    &l);
	const struct config_key *k = &c->keys[1];

	assert_int_equal(c->max_identities, 2);
	assert_int_equal(c->start_wait_ms, 500);
	assert_false(c->allow_root);
	assert_int_equal(c->n_providers, 1);
	assert_string_equal(c->providers[0].name, "a");
	assert_string_equal(c->providers[0].module, "x.so");
	assert_string_equal(c->providers[0].init_args, "b=\"c\"");
	assert_string_equal(c->providers[0].env[1], "B=2");
	assert_null(c->providers[0].env[2]);
	assert_int_equal(c->providers[0].place.line, 2);
	assert_int_equal(c->n_tokens, 1);
	assert_string_equal(c->tokens[0].uri.serial, "0");
	assert_string_equal(c->tokens[0].uri.model, "m;");
	assert_null(c->tokens[0].uri.token);
	assert_string_equal(c->tokens[0].pin_sources[0], "askpass");
	assert_int_equal(c->tokens[0].place.line, 5);
	assert_int_equal(c->n_keys, 2);
	assert_string_equal(c->keys[0].name, "k");
	assert_true(c->keys[0].deny);
	assert_false(c->keys[0].has_uri);
	assert_string_equal(c->keys[0].fingerprint, FINGERPRINT);
	assert_int_equal(c->keys[0].place.line, 8);
	assert_true(k->has_uri);
	assert_string_equal(k->uri.manufacturer, "x");
	assert_string_equal(k->uri.slot_description, "y");
	assert_string_equal(k->uri.object, "z");
	/* An empty label is one that must match, not one that is not given. */
	assert_string_equal(k->uri.token, "");
	assert_null(k->uri.serial);
	assert_int_equal(k->uri.id_len, 2);
	assert_memory_equal(k->uri.id, "\0\xff", 2);
	assert_int_equal(k->place.line, 11);
	assert_non_null(strstr(k->place.file, "/a.conf"));
}

/* Texts that are accepted with a warning; NULL: without one. */
static const struct {
	const char *text, *warning;
} doubts[] = {
    {"key a {\n uri = 'pkcs11:id=01' }",
	"a.conf:2: uri: its id is text, not hex: if hex was meant, write "
	"id=%01; if text was meant, write id=%30%31"},
    {"key a { uri = 'pkcs11:token=x;id=1a:2B' }",
	"a.conf:1: uri: its id is text, not hex: if hex was meant, write "
	"id=%1A%2B; if text was meant, write id=%31%61%3A%32%42"},
    {"key a { uri = 'pkcs11:id=0x0a;token=x' }",
	"a.conf:1: uri: its id is text, not hex: if hex was meant, write "
	"id=%0A; if text was meant, write id=%30%78%30%61"},
    {"key a { uri = 'pkcs11:id=3' }",
	"a.conf:1: uri: its id is text, not hex: if hex was meant, write "
	"id=%03; if text was meant, write id=%33"},
    {"key a { uri = 'pkcs11:id=%30%31' }", NULL},
    {"key a { uri = 'pkcs11:id=0%31' }", NULL},
    {"key a { uri = 'pkcs11:id=%01;token=a' }", NULL},
    {"key a { uri = 'pkcs11:id=my-key' }", NULL},
    {"key a { uri = 'pkcs11:id=01:' }", NULL},
    {"key a { uri = 'pkcs11:object=01;token=01' }", NULL},
    {"key a { uri = 'pkcs11:object=id=01' }", NULL},
    {"token a { " URI "login = each\nlogin = session }",
	"a.conf:2: login is there twice in this section: the first one is "
	"without effect"},
    {"token a { " URI "forget-on = { sleep } login = each }", NULL},
    {"token a { " URI "forget-on = { sleep, removal } login = each }", NULL},
    {"token a { " URI "login = each } token b { login = each\n"
     "uri = \"pkcs11:token=b\" }", NULL},
    {"start-wait = 2s start-wait = 3s\n", NULL},
    {"token a { " URI "}\ntoken b { " URI "}",
	"a.conf:2: token \"b\" is without effect: it has the uri of token "
	"\"a\" at a.conf:1"},
    {"key a { " URI "} key b { " URI "}", NULL},
    {"key a { file = k.pub\n fingerprint = '" FINGERPRINT "' }",
	"a.conf:1: key \"a\" matches nothing: the key in its file has the "
	"fingerprint " FINGERPRINT_OF_KEY},
    {"key a { file = k.pub fingerprint = '" FINGERPRINT_OF_KEY "' }", NULL},
    {"token a { " URI "pin-source = { \"credential:there\", tty,\n"
     "\"credential:gone\" } }",
	"a.conf:2: pin-source: there is no credential gone in "},
};

static void
each_doubt(void **state)
{
	struct files *f = *state;

	files_write(f, "k.pub", PUBLIC_KEY);
	files_write(f, "there", "");
	assert_int_equal(setenv("CREDENTIALS_DIRECTORY", f->folder, 1), 0);
	for (size_t i = 0; i < sizeof(doubts) / sizeof(doubts[0]); i++) {
		CLEANUP(config_loader_clear) struct config_loader l;
		const char *want = doubts[i].warning, *got = "";
		size_t len = strlen(f->folder) + 1;
		char **w, *at;

		files_write(f, "a.conf", doubts[i].text);
		assert_string_equal(files_load(f, "a.conf", &l), "");
		w = l.config->warnings;
		if (w != NULL && w[1] != NULL)
			fail_msg("%s: a second one: %s", doubts[i].text, w[1]);
		while (w != NULL && (at = strstr(w[0], f->folder)) != NULL)
			if (strlen(at) < len)
				*at = '\0';
			else
				memmove(at, at + len, strlen(at + len) + 1);
		if (w != NULL)
			got = w[0];
		if (strcmp(got, want == NULL ? "" : want) != 0)
			fail_msg("\n%s\ngives  %s\ninstead %s",
			    doubts[i].text, got, want == NULL ? "" : want);
	}
	assert_int_equal(unsetenv("CREDENTIALS_DIRECTORY"), 0);
}

/* As many as there may be; the config is good all the same. */
static void
many_doubts(void **state)
{
	CLEANUP(buffer_cleanup) struct buffer b = BUFFER_INIT(1 << 16);
	CLEANUP(config_loader_clear) struct config_loader l;
	char line[64];
	size_t n = 0;

	for (int i = 0; i < 2 * CONFIG_WARNINGS_MAX; i++) {
		snprintf(line, sizeof(line), "key k%d { uri = 'pkcs11:id=01' }\n",
		    i);
		buffer_put(&b, bytes_str(line));
	}
	files_write_bytes(*state, "a.conf", buffer_bytes(&b));
	assert_string_equal(files_load(*state, "a.conf", &l), "");
	while (l.config->warnings[n] != NULL)
		n++;
	assert_int_equal(n, CONFIG_WARNINGS_MAX);
	assert_int_equal(l.config->n_keys, 2 * CONFIG_WARNINGS_MAX);
}

/* A whole file; a cut inside of what is one thing must not be taken. */
static const struct {
	const char *text;
	bool one_thing;
} pieces[] = {
    {"max-identities = 2 ", true},
    {" # a comment", false},
    {"\n", false},
    {"/* com\nment */", true},
    {"start-wait = 500ms\n", true},
    {"include('b.conf')", true},
    {"\n", false},
    {"provider \"a\" { module = \"x.so\" env = { \"A=1\", \"B=2\" } }", true},
    {"\n", false},
    {"//", true},
    {" another\n", false},
    {"key \"a\" { deny = \"yes\" uri = \"pkcs11:serial=12;id=%01\" }", true},
    {"\n", false},
    {"token t {\n\turi = \"pkcs11:serial=1\" # end\n}", true},
    {"\n\n", false},
    {"key 'b' { uri = 'pkcs11:serial=12;id=%02' }", true},
    {"\n", false},
};
enum { N_PIECES = sizeof(pieces) / sizeof(pieces[0]) };

/* Key "c" of b.conf, then "a", which is denied, then "b". */
static void
check_cut_config(const struct config *c)
{
	assert_true(c->n_keys <= 3);
	for (size_t i = 0; i < c->n_keys; i++) {
		assert_memory_equal(c->keys[i].name, &"cab"[i], 1);
		assert_int_equal(c->keys[i].deny, i == 1);
	}
	assert_true(c->start_wait_ms == 500 || c->start_wait_ms == 3000);
}

/* The text up to `len` bytes of a piece. */
static void
check_cut(struct files *f, const char *before, size_t piece, size_t len)
{
	CLEANUP(config_loader_clear) struct config_loader l;
	size_t whole = strlen(pieces[piece].text);
	bool want = !pieces[piece].one_thing || len == whole;
	char text[1024];
	const char *got;

	snprintf(
	    text, sizeof(text), "%s%.*s", before, (int)len, pieces[piece].text);
	files_write(f, "a.conf", text);
	got = files_load(f, "a.conf", &l);
	if (want != (got[0] == '\0'))
		fail_msg("\n%s\ngives \"%s\"", text, got);
	if (want)
		check_cut_config(l.config);
}

static void
every_cut(void **state)
{
	char before[1024] = "";

	files_write(*state, "b.conf", "key \"c\" { " URI "}\n");
	for (size_t i = 0; i < N_PIECES; i++) {
		size_t whole = strlen(pieces[i].text);

		for (size_t len = 1; len <= whole; len++)
			check_cut(*state, before, i, len);
		assert_true(strlen(before) + whole < sizeof(before));
		strcat(before, pieces[i].text);
	}
}

static void
put_long(struct buffer *b, const char *before, const char *after, size_t n)
{
	buffer_clear(b);
	buffer_put(b, bytes_str(before));
	for (size_t i = 0; i < n; i++)
		buffer_put_u8(b, 'x');
	buffer_put(b, bytes_str(after));
}

static void
limits(void **state)
{
	CLEANUP(buffer_cleanup)
	struct buffer b = BUFFER_INIT(CONFIG_FILE_MAX_BYTES * 2);
	CLEANUP(config_loader_clear) struct config_loader keys, list, value;
	CLEANUP(config_loader_clear) struct config_loader title, size;
	char line[64];

	for (int i = 0; i <= CONFIG_KEYS_MAX; i++) {
		snprintf(line, sizeof(line), "key \"%d\" { " URI "}\n", i);
		buffer_put(&b, bytes_str(line));
	}
	files_write_bytes(*state, "a.conf", buffer_bytes(&b));
	assert_string_equal(files_load(*state, "a.conf", &keys),
	    "a.conf:1025: more than 1024 key sections");
	buffer_clear(&b);
	buffer_put(&b, bytes_str("provider a { module = x env = {\n"));
	for (int i = 0; i <= CONFIG_LIST_MAX; i++)
		buffer_put(&b, bytes_str("\"A=1\",\n"));
	buffer_put(&b, bytes_str("\"A=1\" } }\n"));
	files_write_bytes(*state, "a.conf", buffer_bytes(&b));
	assert_string_equal(files_load(*state, "a.conf", &list),
	    "a.conf:66: env: more than 64 values");
	put_long(&b, "key \"", "\" { " URI "}\n", 129);
	files_write_bytes(*state, "a.conf", buffer_bytes(&b));
	assert_string_equal(files_load(*state, "a.conf", &title),
	    "a.conf:1: a title of more than 128 bytes");
	put_long(&b, "provider a {\n module = \"", "\" }\n", 4096);
	files_write_bytes(*state, "a.conf", buffer_bytes(&b));
	assert_string_equal(files_load(*state, "a.conf", &value),
	    "a.conf:2: a value of more than 4095 bytes");
	buffer_clear(&b);
	while (b.len <= CONFIG_FILE_MAX_BYTES)
		buffer_put(&b, bytes_str("# a long comment of many words\n"));
	files_write_bytes(*state, "a.conf", buffer_bytes(&b));
	assert_string_equal(files_load(*state, "a.conf", &size),
	    "a.conf: is larger than 1048576 bytes");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(
		each_text, files_setup, files_teardown),
	    cmocka_unit_test_setup_teardown(
		values_arrive, files_setup, files_teardown),
	    cmocka_unit_test_setup_teardown(
		each_doubt, files_setup, files_teardown),
	    cmocka_unit_test_setup_teardown(
		many_doubts, files_setup, files_teardown),
	    cmocka_unit_test_setup_teardown(
		every_cut, files_setup, files_teardown),
	    cmocka_unit_test_setup_teardown(
		limits, files_setup, files_teardown),
	};

	return cmocka_run_group_tests_name(
	    "agent/config-text", tests, NULL, NULL);
}
