/* tests/fuzz/replay.c - main() of a fuzz target in `make check`: its corpus, and each file spoiled a little. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * fuzz_NAME replays tests/fuzz/corpus/NAME; files or folders given as arguments go in their place.
 * Beside each file as it is: cut at a few lengths, and with a few bytes changed, always the same ones.
 * Under libFuzzer (tests/fuzz/fuzz.sh) this file is left out.
 */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define REPLAY_BYTES_MAX (4u << 20)
#define REPLAY_SPOILED 48

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static size_t replay_files;

/* An input in memory of exactly its size, so that a sanitizer sees a read past its end. */
static void replay_one(const uint8_t *data, size_t size)
{
	uint8_t *exact = malloc(size > 0 ? size : 1);

	if (exact == NULL)
		abort();
	if (size > 0)
		memcpy(exact, data, size);
	LLVMFuzzerTestOneInput(exact, size);
	free(exact);
}

static uint32_t replay_next(uint32_t *seed)
{
	*seed = *seed * 1664525u + 1013904223u;
	return *seed >> 8;
}

static void replay_bytes(uint8_t *p, size_t n)
{
	uint32_t seed = (uint32_t)n;

	replay_one(p, n);
	for (int i = 0; i < REPLAY_SPOILED && n > 0; i++) {
		size_t at = replay_next(&seed) % n;
		uint8_t was = p[at];

		if (i % 3 == 0) {
			replay_one(p, at);
			continue;
		}
		p[at] = i % 3 == 1 ? (uint8_t)(was ^ (1u << replay_next(&seed) % 8)) : (uint8_t)replay_next(&seed);
		replay_one(p, n);
		if (i % 4 != 0)	/* every fourth change stays, so that they add up */
			p[at] = was;
	}
}

static void replay_file(const char *path)
{
	uint8_t *p = malloc(REPLAY_BYTES_MAX);
	FILE *f = fopen(path, "rb");

	if (p == NULL || f == NULL) {
		fprintf(stderr, "cannot read %s\n", path);
		exit(1);
	}
	fprintf(stderr, "%s\n", path);	/* in the log: what a crash was about */
	replay_bytes(p, fread(p, 1, REPLAY_BYTES_MAX, f));
	fclose(f);
	free(p);
	replay_files++;
}

static void replay_path(const char *path)
{
	struct dirent **list;
	struct stat st;
	char name[4096];
	int n;

	if (stat(path, &st) == 0 && S_ISREG(st.st_mode)) {
		replay_file(path);
		return;
	}
	n = scandir(path, &list, NULL, alphasort);
	for (int i = 0; i < n; i++) {
		snprintf(name, sizeof(name), "%s/%s", path, list[i]->d_name);
		if (list[i]->d_name[0] != '.')
			replay_file(name);
		free(list[i]);
	}
	if (n >= 0)
		free(list);
}

int main(int argc, char **argv)
{
	const char *top = getenv("top_srcdir"), *name = strstr(argv[0], "fuzz_");
	char path[4096];

	for (const char *next = name; next != NULL; next = strstr(next + 1, "fuzz_"))
		name = next;
	if (argc < 2 && name != NULL) {
		snprintf(path, sizeof(path), "%s/tests/fuzz/corpus/%s", top != NULL ? top : "..", name + 5);
		replay_path(path);
	}
	for (int i = 1; i < argc; i++)
		replay_path(argv[i]);
	fprintf(stderr, "%zu files replayed\n", replay_files);
	return replay_files > 0 ? 0 : 1;
}
