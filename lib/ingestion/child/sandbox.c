/* lib/ingestion/child/sandbox.c - what the process gives up before it reads a byte. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ingestion/child/child.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/landlock.h>
#include <seccomp.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#if defined(__SANITIZE_ADDRESS__)
#define SANDBOX_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SANDBOX_ASAN 1
#endif
#endif
#ifndef SANDBOX_ASAN
#define SANDBOX_ASAN 0
#endif

#define SANDBOX_NOBODY 65534

static bool sandbox_rlimit(int what, uint64_t n)
{
	struct rlimit r = { n, n };

	return setrlimit((__rlimit_resource_t)what, &r) == 0;
}

/* The shadow memory of ASan is terabytes of address space: only there it goes unlimited. */
static bool sandbox_limits(const struct extract_limits *l)
{
	struct rlimit cpu = { l->seconds, l->seconds + 1 };

	return (SANDBOX_ASAN || sandbox_rlimit(RLIMIT_AS, l->memory)) &&
	       setrlimit(RLIMIT_CPU, &cpu) == 0 && sandbox_rlimit(RLIMIT_FSIZE, 0) &&
	       sandbox_rlimit(RLIMIT_CORE, 0) && sandbox_rlimit(RLIMIT_NOFILE, 32);
}

static bool sandbox_drop_root(void)
{
	if (geteuid() != 0)
		return true;
	return setgroups(0, NULL) == 0 &&
	       setresgid(SANDBOX_NOBODY, SANDBOX_NOBODY, SANDBOX_NOBODY) == 0 &&
	       setresuid(SANDBOX_NOBODY, SANDBOX_NOBODY, SANDBOX_NOBODY) == 0;
}

/* Read what poppler and libc read lazily (CMaps, fonts, converters), and nothing else. */
static void sandbox_landlock(void)
{
	static const char *const readable[] = { "/usr/share", "/usr/lib", "/lib", "/etc/fonts" };
	struct landlock_ruleset_attr all = { .handled_access_fs = (1ULL << 13) - 1 };
	int rules = (int)syscall(SYS_landlock_create_ruleset, &all, sizeof(all), 0);

	if (rules < 0)
		return;	/* a kernel without it: the other walls stand */
	for (size_t i = 0; i < DESK_ARRAY_LEN(readable); i++) {
		struct landlock_path_beneath_attr rule = {
			.allowed_access = LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR,
			.parent_fd = open(readable[i], O_PATH | O_CLOEXEC),
		};

		if (rule.parent_fd < 0)
			continue;
		syscall(SYS_landlock_add_rule, rules, LANDLOCK_RULE_PATH_BENEATH, &rule, 0);
		close(rule.parent_fd);
	}
	syscall(SYS_landlock_restrict_self, rules, 0);
	close(rules);
}

/* What parsing needs. Everything that is not here or below kills the process. */
static const int sandbox_allowed[] = {
	SCMP_SYS(read), SCMP_SYS(readv), SCMP_SYS(pread64), SCMP_SYS(write), SCMP_SYS(writev),
	SCMP_SYS(lseek), SCMP_SYS(close), SCMP_SYS(fstat), SCMP_SYS(stat), SCMP_SYS(lstat),
	SCMP_SYS(newfstatat), SCMP_SYS(statx), SCMP_SYS(access), SCMP_SYS(faccessat),
	SCMP_SYS(faccessat2), SCMP_SYS(getdents64), SCMP_SYS(readlink), SCMP_SYS(readlinkat),
	SCMP_SYS(getcwd), SCMP_SYS(dup), SCMP_SYS(dup2), SCMP_SYS(dup3), SCMP_SYS(fcntl),
	SCMP_SYS(fadvise64), SCMP_SYS(statfs), SCMP_SYS(fstatfs), SCMP_SYS(brk), SCMP_SYS(munmap),
	SCMP_SYS(mremap), SCMP_SYS(madvise), SCMP_SYS(futex), SCMP_SYS(set_robust_list),
	SCMP_SYS(rt_sigaction), SCMP_SYS(rt_sigprocmask), SCMP_SYS(rt_sigreturn),
	SCMP_SYS(sigaltstack), SCMP_SYS(getpid), SCMP_SYS(gettid), SCMP_SYS(getuid),
	SCMP_SYS(geteuid), SCMP_SYS(getgid), SCMP_SYS(getegid), SCMP_SYS(getppid), SCMP_SYS(uname),
	SCMP_SYS(sysinfo), SCMP_SYS(getrusage), SCMP_SYS(times), SCMP_SYS(time),
	SCMP_SYS(gettimeofday), SCMP_SYS(clock_gettime), SCMP_SYS(clock_getres),
	SCMP_SYS(clock_nanosleep), SCMP_SYS(nanosleep), SCMP_SYS(sched_yield),
	SCMP_SYS(sched_getaffinity), SCMP_SYS(getrandom), SCMP_SYS(exit), SCMP_SYS(exit_group),
	SCMP_SYS(rseq), SCMP_SYS(membarrier), SCMP_SYS(restart_syscall), SCMP_SYS(poll),
	SCMP_SYS(ppoll),
};

/* What libraries try and can do without: they are told no, and go on. */
static const int sandbox_refused[] = {
	SCMP_SYS(ioctl), SCMP_SYS(unlink), SCMP_SYS(unlinkat), SCMP_SYS(mkdir), SCMP_SYS(mkdirat),
	SCMP_SYS(rename), SCMP_SYS(renameat), SCMP_SYS(renameat2), SCMP_SYS(utimensat),
	SCMP_SYS(chmod), SCMP_SYS(fchmod), SCMP_SYS(link), SCMP_SYS(symlink), SCMP_SYS(eventfd2),
	SCMP_SYS(memfd_create), SCMP_SYS(prctl), SCMP_SYS(prlimit64), SCMP_SYS(open),
};

/* abort() and the fail-stop of libc: a signal to ourselves only. */
static int sandbox_allow_signals(scmp_filter_ctx f)
{
	struct scmp_arg_cmp self = SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)getpid(), 0);
	int bad = 0;

	bad |= seccomp_rule_add(f, SCMP_ACT_ALLOW, SCMP_SYS(tgkill), 1, self);
	bad |= seccomp_rule_add(f, SCMP_ACT_ALLOW, SCMP_SYS(kill), 1, self);
	return bad;
}

/* Memory may not become code, save under ASan; files open to be read only. */
static int sandbox_allow_checked(scmp_filter_ctx f)
{
	const unsigned write_flags = O_WRONLY | O_RDWR | O_CREAT | O_TRUNC | O_APPEND;
	int bad = 0;

	bad |= seccomp_rule_add(f, SCMP_ACT_ALLOW, SCMP_SYS(mmap), 1,
				SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
	bad |= seccomp_rule_add(f, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(mmap), 1,
				SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, PROT_EXEC));
	bad |= seccomp_rule_add(f, SCMP_ACT_ALLOW, SCMP_SYS(mprotect), 1,
				SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
	bad |= seccomp_rule_add(f, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(mprotect), 1,
				SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, PROT_EXEC));
	bad |= seccomp_rule_add(f, SCMP_ACT_ALLOW, SCMP_SYS(openat), 1,
				SCMP_A2(SCMP_CMP_MASKED_EQ, write_flags, 0));
	for (unsigned bit = 1; bit != 0 && bit <= write_flags; bit <<= 1)
		if ((write_flags & bit) != 0)
			bad |= seccomp_rule_add(f, SCMP_ACT_ERRNO(EACCES), SCMP_SYS(openat), 1,
						SCMP_A2(SCMP_CMP_MASKED_EQ, bit, bit));
	return bad;
}

static enum desk_status sandbox_seccomp(struct desk_error *err)
{
	scmp_filter_ctx f = seccomp_init(SCMP_ACT_KILL_PROCESS);
	int bad = f == NULL;

	for (size_t i = 0; !bad && i < DESK_ARRAY_LEN(sandbox_allowed); i++)
		bad = seccomp_rule_add(f, SCMP_ACT_ALLOW, sandbox_allowed[i], 0);
	for (size_t i = 0; !bad && i < DESK_ARRAY_LEN(sandbox_refused); i++)
		bad = seccomp_rule_add(f, SCMP_ACT_ERRNO(EACCES), sandbox_refused[i], 0);
	bad = bad || sandbox_allow_checked(f) || sandbox_allow_signals(f) || seccomp_load(f);
	seccomp_release(f);
	return bad ? desk_error_set(err, DESK_E_UNAVAILABLE, "cannot load the seccomp filter") :
		     DESK_OK;
}

enum desk_status extract_sandbox(const struct extract_limits *l, struct desk_error *err)
{
	close_range(3, ~0U, 0);
	umask(077);
	if (chdir("/") != 0 || !sandbox_limits(l))
		return desk_error_set(err, DESK_E_UNAVAILABLE, "cannot set the limits");
	if (!sandbox_drop_root())
		return desk_error_set(err, DESK_E_UNAVAILABLE, "cannot become nobody");
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0 ||
	    prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) != 0)
		return desk_error_set(err, DESK_E_UNAVAILABLE, "cannot give up privileges");
	sandbox_landlock();
	return sandbox_seccomp(err);
}
