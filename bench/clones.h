// TALWEG_CLONES before a function: compiled for several instruction sets, the best chosen when the
// program starts. Only g++ on Linux does this, and sanitizers do not bear it; elsewhere the function
// is compiled once, as the rest of the file. For the harness' own loops; the kernels do better.
#pragma once

#if defined(__x86_64__) && defined(__gnu_linux__) && !defined(__SANITIZE_ADDRESS__) && \
    !defined(__SANITIZE_THREAD__) && !defined(__clang__)
#define TALWEG_CLONES __attribute__((target_clones("arch=haswell", "default"), optimize("O3")))
#else
#define TALWEG_CLONES
#endif
