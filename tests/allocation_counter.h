// Counts what a thread takes from the heap, by standing in front of glibc's allocator. Included by
// one file of a test program; TALWEG_COUNTS_ALLOCATIONS says whether it can count here.
#pragma once

#include <cstddef>
#include <cstdint>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define TALWEG_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define TALWEG_SANITIZED 1
#endif
#endif

#if defined(__GLIBC__) && !defined(TALWEG_SANITIZED)
#define TALWEG_COUNTS_ALLOCATIONS 1

#include <cerrno>

// One file of a program includes this; and the names are glibc's.
// NOLINTBEGIN(misc-definitions-in-headers)
// NOLINTBEGIN(bugprone-reserved-identifier,readability-identifier-naming)
namespace {
thread_local bool counting = false;
thread_local int64_t allocations = 0;

void count() { allocations += counting; }
}  // namespace

extern "C" {
void* __libc_malloc(size_t);
void* __libc_calloc(size_t, size_t);
void* __libc_realloc(void*, size_t);
void* __libc_memalign(size_t, size_t);
void __libc_free(void*);

void* malloc(size_t bytes) noexcept { return count(), __libc_malloc(bytes); }
void* calloc(size_t n, size_t bytes) noexcept { return count(), __libc_calloc(n, bytes); }
void* realloc(void* p, size_t bytes) noexcept { return count(), __libc_realloc(p, bytes); }
void* memalign(size_t align, size_t bytes) noexcept {
  return count(), __libc_memalign(align, bytes);
}
void* aligned_alloc(size_t align, size_t bytes) noexcept {
  return count(), __libc_memalign(align, bytes);
}
int posix_memalign(void** p, size_t align, size_t bytes) noexcept {
  count();
  *p = __libc_memalign(align, bytes);
  return *p ? 0 : ENOMEM;
}
void free(void* p) noexcept { __libc_free(p); }
}
// NOLINTEND(bugprone-reserved-identifier,readability-identifier-naming)
// NOLINTEND(misc-definitions-in-headers)
#endif
