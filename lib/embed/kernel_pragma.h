/* lib/embed/kernel_pragma.h - what the kernels ask of the compiler: newer processors, unrolled loops. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef DESK_EMBED_KERNEL_PRAGMA_H
#define DESK_EMBED_KERNEL_PRAGMA_H

#define KERNEL_PRAGMA(x) _Pragma(#x)

/* Every function between the two is compiled for the named sets: gcc and clang say it differently. */
#if defined(__clang__)
#define KERNEL_TARGET_PUSH(sets) \
	KERNEL_PRAGMA(clang attribute push(__attribute__((target(sets))), apply_to = function))
#define KERNEL_TARGET_POP KERNEL_PRAGMA(clang attribute pop)
#define KERNEL_UNROLL KERNEL_PRAGMA(clang loop unroll(full))
#else
#define KERNEL_TARGET_PUSH(sets) KERNEL_PRAGMA(GCC push_options) KERNEL_PRAGMA(GCC target(sets))
#define KERNEL_TARGET_POP KERNEL_PRAGMA(GCC pop_options)
#define KERNEL_UNROLL KERNEL_PRAGMA(GCC unroll 16)
#endif

#endif
