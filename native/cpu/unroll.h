#pragma once

// UNROLL stands before a loop over an array of registers: left rolled, the array would live in memory.
#define PRAGMA(text) _Pragma(#text)
#ifdef __clang__
#define UNROLL_BY(count) PRAGMA(unroll count)
#else
#define UNROLL_BY(count) PRAGMA(GCC unroll count)
#endif
#define UNROLL UNROLL_BY(16)
