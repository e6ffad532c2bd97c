/*
 * Answers popen() from the file that $KCONFIG_ANSWERS names, so that a program that asks the shell a hundred times need
 * not start it. The file holds records: the lengths of command and answer in decimal on a line, then both.
 * A command that is not in the file runs.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct answer {
	struct answer *next;
	char *command, *text;
	size_t length;
};

static struct answer *answers;

__attribute__((constructor)) static void load(void)
{
	const char *name = getenv("KCONFIG_ANSWERS");
	FILE *in = name ? fopen(name, "r") : NULL;
	size_t command, text;

	unsetenv("KCONFIG_ANSWERS");
	unsetenv("LD_PRELOAD");
	while (in && fscanf(in, "%zu %zu", &command, &text) == 2 && fgetc(in) == '\n') {
		struct answer *answer = calloc(1, sizeof(*answer));

		answer->command = calloc(1, command + 1);
		answer->text = calloc(1, text + 1);
		answer->length = text;
		if (fread(answer->command, 1, command, in) != command || fread(answer->text, 1, text, in) != text)
			abort();
		answer->next = answers;
		answers = answer;
	}
	if (in)
		fclose(in);
}

FILE *popen(const char *command, const char *mode)
{
	FILE *(*real)(const char *, const char *) = (FILE *(*)(const char *, const char *))dlsym(RTLD_NEXT, "popen");
	struct answer *answer;

	for (answer = answers; answer; answer = answer->next) {
		if (strcmp(answer->command, command) == 0)
			return answer->length ? fmemopen(answer->text, answer->length, "r") : fopen("/dev/null", "r");
	}
	return real(command, mode);
}

int pclose(FILE *stream)
{
	/* What did run is waited for by the end of its output; no one looks at its status. */
	return fclose(stream);
}
