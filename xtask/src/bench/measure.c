/*
 * measure FILE PROGRAM ARGUMENT...: runs a program and writes what it took to FILE: wall clock, user and system time in
 * microseconds, the highest resident memory of it or of a process that it started in KiB, and its exit status.
 */
#define _GNU_SOURCE
#include <stdio.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static long long microseconds(struct timeval time)
{
	return time.tv_sec * 1000000LL + time.tv_usec;
}

int main(int argc, char **argv)
{
	struct timespec from, to;
	struct rusage usage;
	int status;

	if (argc < 3)
		return 2;
	clock_gettime(CLOCK_MONOTONIC, &from);
	pid_t child = vfork();
	if (child == 0) {
		execvp(argv[2], argv + 2);
		_exit(127);
	}
	if (wait4(child, &status, 0, &usage) != child)
		return 2;
	clock_gettime(CLOCK_MONOTONIC, &to);
	FILE *file = fopen(argv[1], "w");
	if (!file)
		return 2;
	fprintf(file, "%lld %lld %lld %ld %d\n",
		(to.tv_sec - from.tv_sec) * 1000000LL + (to.tv_nsec - from.tv_nsec) / 1000,
		microseconds(usage.ru_utime), microseconds(usage.ru_stime), usage.ru_maxrss,
		WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
	return fclose(file) ? 2 : 0;
}
