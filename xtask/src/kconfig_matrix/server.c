/*
 * Linked with the objects of the tree's own conf, with --wrap=conf_parse: the Kconfig files are parsed once, and each
 * request on standard input gets a copy of the process that goes on from there. Of a request, the fields are separated
 * by tabs: the folder to work in, the argument that says the mode, and variables as NAME=VALUE. The answer is the status.
 */
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

int main(int argc, char **argv);
void __real_conf_parse(const char *name);

static void redirect(const char *name, int target)
{
	int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC, 0666);

	if (fd < 0 || dup2(fd, target) < 0)
		abort();
	close(fd);
}

static void handle(char *line, const char *kconfig)
{
	char *folder = strtok(line, "\t\n"), *mode = strtok(NULL, "\t\n"), *variable;
	char *arguments[] = { "conf", mode, (char *)kconfig, NULL };

	while ((variable = strtok(NULL, "\t\n")))
		putenv(variable);
	if (chdir(folder) || !freopen("/dev/null", "r", stdin))
		abort();
	redirect("stdout", 1);
	redirect("stderr", 2);
	optind = 0;
	exit(main(3, arguments));
}

void __wrap_conf_parse(const char *name)
{
	static int parsed;
	char *line = NULL;
	size_t size = 0;
	int out;

	if (parsed++)
		return;
	out = dup(1);
	redirect("parse.stdout", 1);
	redirect("parse.stderr", 2);
	__real_conf_parse(name);
	fflush(stdout);
	while (getline(&line, &size, stdin) > 0) {
		int status;
		pid_t child = fork();

		if (child < 0)
			abort();
		if (child == 0)
			handle(line, name);
		waitpid(child, &status, 0);
		dprintf(out, "%d\n", WIFEXITED(status) ? WEXITSTATUS(status) : -1);
	}
	_exit(0);
}
